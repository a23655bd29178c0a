"""The formats and their cryptography, on the vectors that both sides share and on those of Project Wycheproof."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from core.base64url import decode_bytes, encode_bytes
from core.clock import clock
from services.threads.audit_chain import FIRST_HEAD, AuditedAct, VerifiedAudit, verify_chain
from services.threads.encoding import hash_bytes
from services.threads.envelopes import Envelope
from services.threads.errors import UnusableKey, WrongSignature
from services.threads.items import message_body, with_payload
from services.threads.signing import check_device, is_signed, is_usable_kem_key, is_usable_sign_key, require_signature
from services.threads.texts import DeviceApproval, DeviceClaim, KeysetClaim, Recipient, envelope_text
from tests.recovery_codes import device_of_code, read_code, write_code
from tests.thread_devices import ClientDevice, bytes_of, check_of, message_key, open_envelope

FOLDER = Path(__file__).parents[3] / "vectors"
VECTORS: dict[str, Any] = json.loads((FOLDER / "threads-vectors.json").read_text(encoding="utf-8"))
THREAD, KID = VECTORS["thread"]["threadId"], VECTORS["thread"]["kid"]
SECRET = bytes_of(VECTORS["thread"]["secret"])
ENVELOPE = VECTORS["envelope"]["json"]
NAMES = list(VECTORS["devices"])


def claim_of(name: str) -> DeviceClaim:
    told = VECTORS["devices"][name]
    return DeviceClaim(
        told["deviceId"], told["memberId"], told["kemKey"], told["signKey"], told["createdAt"], told["sig"]
    )


def device_of(name: str) -> ClientDevice:
    told = VECTORS["devices"][name]
    kem = X25519PrivateKey.from_private_bytes(bytes_of(told["kemPrivate"]))
    sign = Ed25519PrivateKey.from_private_bytes(bytes_of(told["signPrivate"]))
    return ClientDevice(told["memberId"], told["deviceId"], kem, sign)


def keyset() -> KeysetClaim:
    told = VECTORS["keyset"]
    recipients = tuple(Recipient(one["deviceId"], one["kemKey"], one["wrapHash"]) for one in told["recipients"])
    head = (told["createdAt"], told["createdBy"], told["check"], told["prev"])
    return KeysetClaim(THREAD, told["kid"], *head, recipients, told["sig"])


@pytest.mark.parametrize("name", NAMES)
def test_a_device_signs_its_own_text(name: str):
    claim, told = claim_of(name), VECTORS["devices"][name]
    assert claim.text.decode() == told["text"]
    check_device(claim)
    device = device_of(name)
    assert (device.kem_key, device.sign_key) == (claim.kem_key, claim.sign_key)
    assert device.signed(claim.text) == told["sig"]
    assert claim.fingerprint == told["fingerprint"]


@pytest.mark.parametrize("field", ["device_id", "member", "kem_key", "created_at"])
def test_a_changed_device_is_refused(field: str):
    other = {"kem_key": claim_of("nurse").kem_key}.get(field, "x")
    with pytest.raises(WrongSignature):
        check_device(replace(claim_of("patient"), **{field: other}))


def test_an_approval_is_signed_by_the_approving_device():
    told = VECTORS["approval"]
    approval = DeviceApproval(told["approvedBy"], told["createdAt"], told["sig"])
    text = approval.text_for(claim_of("tablet"))
    assert text.decode() == told["text"]
    require_signature(claim_of("patient").sign_key, approval.sig, text)
    with pytest.raises(WrongSignature):
        require_signature(claim_of("nurse").sign_key, approval.sig, text)


@pytest.mark.parametrize("name", NAMES)
def test_a_wrap_opens_for_its_device_alone(name: str):
    wrapped = VECTORS["wraps"][name]["wrapped"]
    assert device_of(name).open_wrap(wrapped, THREAD, KID) == SECRET
    recipient = next(one for one in keyset().recipients if one.device_id == claim_of(name).device_id)
    assert recipient.wrap_hash == hash_bytes(bytes_of(wrapped))
    for other in set(NAMES) - {name}:
        with pytest.raises(InvalidTag):
            device_of(other).open_wrap(wrapped, THREAD, KID)


def test_a_printed_code_gives_the_keys_of_its_device():
    told = VECTORS["recovery"]
    raw = bytes_of(told["raw"])
    assert (write_code(raw), read_code(told["code"])) == (told["code"], raw)
    device = device_of_code(told["code"], told["memberId"])
    assert (device.kem_key, device.sign_key) == (told["kemKey"], told["signKey"])
    with pytest.raises(ValueError):
        read_code("5" + told["code"][1:])


def test_a_keyset_is_signed_by_its_maker_in_whatever_order_its_recipients_come():
    claim, told = keyset(), VECTORS["keyset"]
    assert (claim.text.decode(), claim.hash) == (told["text"], told["hash"])
    assert replace(claim, recipients=claim.recipients[::-1]).text == claim.text
    require_signature(claim_of("nurse").sign_key, claim.sig, claim.text)
    assert claim.check == check_of(SECRET, THREAD, KID)


@pytest.mark.parametrize("change", [{"kid": "k2"}, {"prev": "x"}, {"check": "x"}, {"recipients": ()}])
def test_a_changed_keyset_is_refused(change: dict[str, Any]):
    changed = replace(keyset(), **change)
    with pytest.raises(WrongSignature):
        require_signature(claim_of("nurse").sign_key, changed.sig, changed.text)


def test_an_envelope_is_read_signed_and_opened():
    envelope = Envelope.read(ENVELOPE)
    assert envelope is not None
    assert envelope.signed.decode() == VECTORS["envelope"]["signed"]
    assert envelope.is_hash_right
    assert is_signed(claim_of("patient").sign_key, envelope.sig, envelope.signed)
    assert open_envelope(ENVELOPE, SECRET).decode() == VECTORS["envelope"]["plaintext"]
    key = message_key(SECRET, THREAD, KID, envelope.client_id)
    assert key == bytes_of(VECTORS["messageKey"]["key"])
    aad = VECTORS["envelope"]["aad"].encode()
    assert AESGCM(key).decrypt(bytes_of(ENVELOPE["enc"]["iv"]), envelope.payload, aad)
    assert envelope_text(*VECTORS["envelope"]["aad"].split("\n")[1:]) == aad


@pytest.mark.parametrize("refused", VECTORS["refused"], ids=lambda one: "-".join(one["change"]))
def test_a_changed_envelope_is_refused_by_hash_or_signature(refused: dict[str, Any]):
    envelope = Envelope.read(ENVELOPE | refused["change"])
    assert envelope is not None
    is_right = is_signed(claim_of("patient").sign_key, envelope.sig, envelope.signed)
    assert (envelope.is_hash_right, is_right) == ((False, True) if refused["because"] == "hash" else (True, False))


def test_an_item_holds_the_envelope_as_it_was_signed():
    envelope = Envelope.read(dict(reversed(ENVELOPE.items())))
    assert envelope is not None
    item = json.loads(with_payload(message_body(envelope, "patient:x", clock.now()), envelope.payload))
    assert item["envelope"] == ENVELOPE
    assert list(item["envelope"]) == list(ENVELOPE)


def audit() -> list[tuple[AuditedAct, str]]:
    names = {"seqFrom": "seq_from", "seqTo": "seq_to", "requestId": "request_id"}
    rows = [{names.get(name, name): value for name, value in row.items()} for row in VECTORS["audit"]]
    return [(AuditedAct(**{name: row[name] for name in row if name != "hash"}), row["hash"]) for row in rows]


def test_the_audit_chain_has_the_hashes_of_the_vectors():
    head = FIRST_HEAD
    for act, stored in audit():
        head = act.hash_after(head, THREAD)
        assert head == stored
    assert verify_chain(THREAD, audit(), 3, head) == VerifiedAudit(3, head)


@pytest.mark.parametrize(
    ("damage", "broken_at"),
    [
        (lambda acts: acts[:2], 3),
        (lambda acts: [acts[0], acts[2]], 2),
        (lambda acts: [acts[0], (replace(acts[1][0], actor="staff:x"), acts[1][1]), acts[2]], 2),
        (lambda acts: [acts[1], acts[0], acts[2]], 1),
        (lambda acts: [*acts, acts[2]], 4),
        (lambda _: [], 1),
    ],
    ids=["cut off", "taken out", "changed", "swapped", "added", "emptied"],
)
def test_a_broken_audit_chain_is_found(damage: Any, broken_at: int):
    head = audit()[-1][1]
    assert verify_chain(THREAD, damage(audit()), 3, head).broken_at == broken_at


def groups(name: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads((FOLDER / f"{name}_test.json").read_text(encoding="utf-8"))["testGroups"]
    return found


def test_signatures_are_judged_as_wycheproof_judges_them():
    for group in groups("ed25519"):
        key = encode_bytes(bytes.fromhex(group["publicKey"]["pk"]))
        for test in group["tests"]:
            sig, text = encode_bytes(bytes.fromhex(test["sig"])), bytes.fromhex(test["msg"])
            assert is_signed(key, sig, text) == (test["result"] == "valid"), test["tcId"]


def test_keys_whose_secret_would_be_zero_are_refused():
    tests = [test for group in groups("x25519") for test in group["tests"]]
    zero = [test for test in tests if set(test["shared"]) == {"0"}]
    assert len(zero) > 20
    for test in tests:
        assert is_usable_kem_key(bytes.fromhex(test["public"])) == (test not in zero), test["tcId"]


@pytest.mark.parametrize("field", ["kem_key", "sign_key"])
@pytest.mark.parametrize("key", ["00" * 32, "01" + "00" * 31, "ff" * 32, "ee" + "ff" * 30 + "7f", "00" * 31])
def test_a_device_with_an_unusable_key_is_refused(field: str, key: str):
    with pytest.raises((UnusableKey, WrongSignature)):
        check_device(replace(claim_of("nurse"), **{field: encode_bytes(bytes.fromhex(key))}))


@pytest.mark.parametrize(
    "key",
    [
        "0100000000000000000000000000000000000000000000000000000000000000",
        "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
        "0000000000000000000000000000000000000000000000000000000000000080",
        "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05",
        "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a",
        "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc85",
        "eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
    ],
)
def test_a_signing_key_of_low_order_is_refused(key: str):
    assert not is_usable_sign_key(bytes.fromhex(key))


def test_another_spelling_of_the_same_bytes_is_refused():
    assert decode_bytes("AA") == b"\0"
    for text in ("AB", "AA==", "A", "A+", "A/", "AA\n", "ＡＡ", "AA", None, 7):
        assert decode_bytes(text, 2) is None
