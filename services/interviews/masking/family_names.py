"""Korean family names: those of 99 in 100 people."""

FAMILIES = (
    "김이박최정강조윤장임한오서신권황안송류전홍고문양손배백허유남심노하곽성차주우구나민진지엄채원천방공현함변염"
    "여추도소석선설마길연위표명기반왕금옥육인맹제모탁국어은편용"
)
COMPOUND_FAMILIES = ("남궁", "황보", "제갈", "선우", "사공", "독고", "서문")
# Before a title and without a given name: these are hardly ever another word there ("이 대리", "전 대표" may be).
SURE_FAMILIES = "김박최강조윤장오신권황송류홍배백허유남심노곽성민엄채"
# Hardly a word even by itself, before any other one.
SURE_ALONE = "김박최윤권황류홍허곽엄채"
