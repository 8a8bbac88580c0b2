"""Second factors out of whatever shape a file states them in."""

import pytest

from sandbox.core.second_factor import knows_one, served_factors
from sandbox.core.vocabulary import SecondFactor

SMS, EMAIL = SecondFactor.SMS, SecondFactor.EMAIL


@pytest.mark.parametrize(
    ("methods", "expected"),
    [
        (["SMS"], [SMS]),
        (["sms"], [SMS]),
        (["Email", "Sms"], [EMAIL, SMS]),
        (["TOTP", "sms_otp", "SMS"], [SMS]),
        (["E-MAIL", "email_otp"], [EMAIL]),
        (["SMS-OTP"], [SMS]),
        (["Text message"], [SMS]),
        ("EMAIL", [EMAIL]),
        ("totp, email", [EMAIL]),
        ([{"type": "SMS"}], [SMS]),
        ([{"method": "TOTP"}, {"channel": "email"}], [EMAIL]),
        ([{"method": "email", "type": "primary"}], [EMAIL]),
        ([{"type": "SMS", "enabled": False}, {"type": "EMAIL", "enabled": True}], [EMAIL]),
        ([{"type": "SMS", "status": "DISABLED"}, "EMAIL"], [EMAIL]),
        ({"type": "sms", "phone": "+96599001234"}, [SMS]),
        ({"email": False, "sms": True, "totp": True}, [SMS]),
        ({"sms": "+96599001234"}, [SMS]),
        ({"sms": {"enabled": False}, "email": {"enabled": True}}, [EMAIL]),
        ({"methods": ["EMAIL"], "preferred": "SMS"}, [EMAIL]),
        ({"primary": {"type": "EMAIL"}, "backup": {"type": "SMS"}}, [EMAIL, SMS]),
    ],
)
def test_served_methods_are_found_in_any_shape_and_in_their_order(
    methods: object, expected: list[SecondFactor]
) -> None:
    assert served_factors(methods) == expected


@pytest.mark.parametrize(
    "methods",
    [
        None,
        [],
        {},
        "",
        True,
        7,
        ["TOTP", "PUSH", "BIOMETRIC"],
        [{"type": "TOTP"}],
        [{"type": "SMS", "active": False}],
        {"sms": None, "email": "no"},
        {"totp": "a secret that says sms"},
        [None, 1, [[]], {}],
        ["smss", "mailer"],
    ],
)
def test_what_is_not_served_is_not_found(methods: object) -> None:
    assert served_factors(methods) == []


@pytest.mark.parametrize(
    "methods",
    [
        ["SMS"],
        ["TOTP"],
        "authenticator app",
        [{"type": "push_notification"}],
        [{"method": "biometrics", "status": "ACTIVE"}],
        {"totp": {"enabled": True, "secret": "JBSWY3DPEHPK3PXP"}},
        {"primary": {"type": "Authenticator-App"}},
        ["PIGEON", "Push"],
    ],
)
def test_methods_of_a_real_bank_are_known_whether_served_yet_or_not(methods: object) -> None:
    assert knows_one(methods)


@pytest.mark.parametrize("methods", [None, [], {}, ["PIGEON"], {"totp": False}, [{"type": "PUSH", "enabled": False}]])
def test_methods_that_are_none_or_switched_off_are_not_known(methods: object) -> None:
    assert not knows_one(methods)


def test_what_is_nested_deeper_than_any_list_of_methods_is_left_alone() -> None:
    nested: object = "SMS"
    for _ in range(5_000):
        nested = [nested]
    assert served_factors(nested) == []
