/**
 * Second names for the things of the kit's glossary (`page/kit/words.js`), which no page may use.
 * @module
 */

/** @type {Readonly<Record<string, (string|RegExp)[]>>} */
export const SYNONYMS = Object.freeze({
  collecting: ["기록 수집", "데이터 수집", "자료 수집", "수집 진행", /(지난번|진행 중인|시작한) 조회/, /조회(가 끝|를 이어)/],
  checkups: ["건강 검진", "신체검사", "검진 수집", /(?<!건강)검진 가져오기/],
  checkupRecords: [/(?<!건강)검진 기록/, "검진 내역", "검진 이력"],
  treatments: ["처방 수집", "처방 가져오기"],
  treatmentRecords: ["처방 기록", "처방 내역", "진료 기록", "진료 내역", "투약 내역", /(?<!진료·)투약 기록/],
  trend: ["건강 트렌드", "검진 추이"],
  report: ["질병예측", "예측 보고서", "질환 예측"],
  approval: ["인증 수락"],
  healthLink: ["공유링크", "공유 주소"],
  passcode: ["패스코드", "링크의 비밀번호"],
  password: ["패스워드", "핀번호", "비밀 번호"],
  phone: ["핸드폰", "휴대전화", "전화번호"],
  birthDate: ["생일", "생년 월일"],
  shinhan: ["신한 인증서", "신한은행"],
  run: ["수집 잡", "수집 태스크"],
  reference: ["요청 번호", "참조 번호", "오류 번호", "문의번호"],
  retry: ["재시도"],
  choose: ["선택"],
  checkIn: ["체크인", "등록하기"],
  tag: ["엔에프씨", "NFC 칩"],
  call: ["콜하기", "부름"],
  absence: ["노쇼", "불참"],
  payment: ["결제", "계산하기"],
  desk: ["데스크", "카운터"],
  interview: ["면담", "인터뷰지"],
  analysis: ["해석 결과", "애널리시스"],
  utterance: ["발언", "대사"],
  speaker: ["발화자", "스피커", "말한 사람"],
  highlight: ["형광펜", "강조 표시"],
  theme: ["테마", "토픽"],
  persona: ["퍼소나", "가상 인물"],
  project: ["과제"],
  restore: ["복원", "복구"],
  thread: ["채팅방", "스레드", "쓰레드"],
});
