"""How a page of threads is told of what comes: by one socket, and by HTTP where none opens."""

from urllib.parse import urlsplit

from playwright.sync_api import Page, WebSocket, WebSocketRoute, expect

from tests.end_to_end.browser.test_threads import SOON, Arrive, Correspondent, arrive, new_login
from tests.waiting import wait_until

__all__ = ["arrive", "new_login"]


class Traffic:
    """What a page opens to be told of a thread."""

    def __init__(self, page: Page) -> None:
        self._page = page
        self.sockets: list[WebSocket] = []
        self._requests: list[str] = []
        page.on("websocket", lambda socket: self.sockets.append(socket))  # noqa: PLW0108 Playwright marks the handler
        page.on("request", lambda request: self._requests.append(urlsplit(request.url).path))

    @property
    def http(self) -> set[str]:
        """The last words of the paths that were read for events."""
        return {path.rpartition("/")[2] for path in self._requests} & {"events", "range"}

    def wait_closed(self) -> None:
        wait_until(lambda: self._page.evaluate("true") and all(socket.is_closed() for socket in self.sockets))


def test_a_thread_is_read_by_one_socket(arrive: Arrive) -> None:
    nurse, doctor = arrive(), arrive()
    thread = nurse.begin_thread(doctor.member_id)
    traffic = Traffic(doctor.page)
    doctor.open_thread(thread)
    exchange(nurse, doctor, "하나")
    exchange(doctor, nurse, "둘")
    assert [urlsplit(socket.url).path for socket in traffic.sockets] == ["/ws/threads"]
    assert traffic.http == set()


def test_the_switch_of_the_network_cuts_the_socket_too(arrive: Arrive) -> None:
    nurse, doctor = arrive(), arrive()
    traffic = Traffic(doctor.page)
    doctor.open_thread(nurse.begin_thread(doctor.member_id))
    exchange(nurse, doctor, "하나")
    doctor.page.locator("#network").uncheck()
    traffic.wait_closed()
    nurse.write("둘")
    nurse.expect_message("둘")
    assert doctor.texts() == ["하나"]
    doctor.page.locator("#network").check()
    doctor.expect_message("둘")
    exchange(doctor, nurse, "셋")
    assert {urlsplit(socket.url).path for socket in traffic.sockets} == {"/ws/threads"}


def test_where_no_socket_opens_a_thread_is_read_by_http(arrive: Arrive) -> None:
    nurse, doctor = arrive(), arrive()
    doctor.page.route_web_socket("**/ws/threads", refuse)
    thread = nurse.begin_thread(doctor.member_id)
    traffic = Traffic(doctor.page)
    doctor.open_thread(thread)
    exchange(nurse, doctor, "하나")
    expect(doctor.page.locator("#connection")).to_be_empty(timeout=SOON)
    assert traffic.http == {"events", "range"}


def refuse(socket: WebSocketRoute) -> None:
    """As a proxy that lets none through."""
    socket.close()


def exchange(writer: Correspondent, reader: Correspondent, text: str) -> None:
    writer.write(text)
    reader.expect_message(text)
