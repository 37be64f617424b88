"""Rules for new passwords (NIST SP 800-63B, section 3.1.1.2): long enough, and not common.

There are no composition rules, because they make passwords worse. The list of 30,000 common
passwords is zxcvbn's; passwords are compared to it in lower case.
"""

from typing import Annotated, Final

from pydantic import AfterValidator, Field, SecretStr
from zxcvbn.frequency_lists import FREQUENCY_LISTS

from duet_common.errors import FieldErrorCode
from duet_common.web.field_errors import rejected

MIN_LENGTH: Final = 8
MAX_LENGTH: Final = 128
_COMMON: Final = frozenset(word for word in FREQUENCY_LISTS["passwords"] if len(word) >= MIN_LENGTH)


def _check(password: SecretStr) -> SecretStr:
    value = password.get_secret_value()
    try:
        value.encode("utf-8")
    except UnicodeEncodeError:
        raise rejected(FieldErrorCode.INVALID_TEXT, "must be valid Unicode text") from None
    if value.lower() in _COMMON:
        raise rejected(FieldErrorCode.COMMON_PASSWORD, "must not be a common password")
    return password


NewPassword = Annotated[
    SecretStr, Field(min_length=MIN_LENGTH, max_length=MAX_LENGTH), AfterValidator(_check)
]
"""A password of 8 to 128 characters that is not a common one."""
