"""What our cookies are called: under HTTPS with a prefix by which browsers keep other hosts from planting them."""

SESSION_COOKIE = "welno_session"
PATIENT_COOKIE = "welno_patient"
BROWSER_COOKIE = "welno_browser"
ACCOUNT_COOKIE = "welno_account"
ACCOUNT_REFRESH_COOKIE = "welno_account_refresh"
PUSH_COOKIE, PUSH_PATH = "welno_push", "/api/threads/push-batch"


def cookie_name(name: str, *, is_secure: bool, path: str = "/") -> str:
    """As it is set and read (RFC 6265bis, 4.1.3). `__Host-`: by this very host alone, for all its paths; `__Secure-`:
    over HTTPS, where the cookie has a path of its own. Browsers take neither over plain HTTP."""
    if not is_secure:
        return name
    return f"__Host-{name}" if path == "/" else f"__Secure-{name}"
