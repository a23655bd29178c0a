"""What goes out can be opened by the provider, and by nobody who only sees it pass."""

import json
from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from upstream.tilko import codec
from upstream.tilko.codec import AuthTokens, PublicKey, TilkoPerson


def test_simple_auth_carries_the_person_encrypted(provider, key, person):
    request = codec.build_simple_auth(key, person)
    assert request.path == "/api/v1.0/nhissimpleauth/simpleauthrequest"
    assert provider.open(request) == {
        "PrivateAuthType": "0",
        "UserName": "김하늘",
        "BirthDate": "19840517",
        "UserCellphoneNumber": "01012345678",
    }


def test_checkups_carry_the_tokens_plain(provider, key, person, tokens):
    request = codec.build_checkups(key, person, tokens)
    fields = provider.open(request)
    assert request.path == "/api/v1.0/nhissimpleauth/ggpab003m0105"
    assert (fields["CxId"], fields["ReqTxId"], fields["Token"], fields["TxId"], fields["PrivateAuthType"]) == (
        "cx-invented",
        "req-invented",
        "token-invented",
        "tx-invented",
        "0",
    )
    assert fields["UserName"] == "김하늘"


@pytest.mark.parametrize("version", ["v2.0", "v1.0"])
def test_a_login_check_carries_the_checkups_fields_within_auth(provider, key, person, tokens, version):
    request = codec.build_login_check(key, version, person, tokens)
    assert request.path == f"/api/{version}/nhissimpleauth/LoginCheck"
    assert list(json.loads(request.body)) == ["Auth"]
    assert provider.open(request) == provider.open(codec.build_checkups(key, person, tokens))


def test_treatments_carry_the_period_plain(provider, key, person, tokens):
    request = codec.build_treatments(key, person, tokens, date(2025, 9, 1), date(2026, 9, 30))
    fields = provider.open(request)
    assert request.path.endswith("/retrievetreatmentinjectioninformationperson")
    assert (fields["StartDate"], fields["EndDate"]) == ("20250901", "20260930")


def test_headers_are_those_of_the_protocol(key, person):
    headers = codec.build_simple_auth(key, person).headers
    assert headers.keys() == {"Content-Type", "API-KEY", "ENC-KEY"}
    assert (headers["Content-Type"], headers["API-KEY"]) == ("application/json", "invented-api-key")


def test_every_request_has_a_fresh_key(provider, key, person):
    first, second = codec.build_simple_auth(key, person), codec.build_simple_auth(key, person)
    assert len(provider.aes_key(first)) == 16
    assert provider.aes_key(first) != provider.aes_key(second)
    assert first.body != second.body


def test_nothing_personal_goes_out_plain(key, person, tokens):
    body = codec.build_checkups(key, person, tokens).body
    assert not any(secret.encode() in body for secret in person.secrets())


@given(name=st.text(min_size=1, max_size=70).filter(lambda text: text.isprintable()))
def test_any_name_survives_the_way(provider, key, name):
    request = codec.build_simple_auth(key, TilkoPerson(name, "19840517", "01012345678", "6"))
    assert provider.open(request)["UserName"] == name


@pytest.mark.parametrize(
    "fields",
    [
        ("", "19840517", "01012345678", "0"),
        ("김하늘", "1984-05-17", "01012345678", "0"),
        ("김하늘", "840517", "01012345678", "0"),
        ("김하늘", "19840517", "010-1234-5678", "0"),
        ("김하늘", "19840517", "", "0"),
        ("김하늘", "１９８４０５１７", "01012345678", "0"),
        ("김하늘", "19840517", "01012345678", "7"),
    ],
)
def test_unusable_persons_are_refused_without_showing_them(fields):
    with pytest.raises(ValueError) as caught:
        TilkoPerson(*fields)
    assert not any(value in str(caught.value) for value in fields if len(value) > 1)


def test_reprs_show_nothing(key, person, tokens):
    shown = repr((person, tokens, key, codec.build_checkups(key, person, tokens)))
    secrets = (*person.secrets(), *tokens.secrets(), "invented-api-key")
    assert not any(secret in shown for secret in secrets)


def test_tokens_survive_being_kept(tokens):
    assert AuthTokens.from_dict(tokens.to_dict()) == tokens


@pytest.mark.parametrize("fields", [{}, {"cx_id": "only"}, dict.fromkeys(AuthTokens.__slots__, 1)])
def test_foreign_fields_are_no_tokens(fields):
    with pytest.raises(ValueError):
        AuthTokens.from_dict(fields)


@pytest.mark.parametrize("text", ["", "None", "not base64!", "aGVsbG8="])
def test_unreadable_public_keys_are_refused(text):
    with pytest.raises(ValueError):
        PublicKey.parse("invented-api-key", text)


def test_api_key_is_quoted_in_the_address():
    assert codec.public_key_path("a+b/c=&d") == "/api/Auth/GetPublicKey?APIkey=a%2Bb%2Fc%3D%26d"
