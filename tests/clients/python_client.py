"""Uses the API through the client that openapi-python-client generates.

The argument is Duet's origin. `make check` cannot import the generated package, so the test that
generates it also checks these types.
"""

import sys
from typing import TYPE_CHECKING, TypeVar, assert_never, assert_type

from duet_client import AuthenticatedClient, Client
from duet_client.api.auth import login, register
from duet_client.api.posts import create_post, list_posts, publish_post, read_post, update_post
from duet_client.api.profiles import read_profile, replace_my_profile, update_my_profile
from duet_client.api.users import update_me
from duet_client.models import (
    FieldErrorCode,
    FieldLocation,
    LoginForm,
    PostCreate,
    PostListItem,
    PostPage,
    PostPatch,
    PostRead,
    PostStatus,
    Problem,
    ProblemCode,
    ProfilePatch,
    ProfilePut,
    ProfileRead,
    TokenPair,
    UserCreate,
    UserPatch,
    UserRead,
)

T = TypeVar("T")
URL = sys.argv[1]
EMAIL = "ada.python@example.com"
PASSWORD = "correct horse battery staple"
CONTENT = "It weaves algebra. " * 50

anonymous = Client(base_url=URL)

if TYPE_CHECKING:  # mypy reports an ignore comment that is unused, so these lines must be errors
    misspelt = ProblemCode.EMAIL_TAKN  # type: ignore[attr-defined]
    cleared = PostPatch(title=None)  # type: ignore[arg-type]  # a title cannot be cleared


def expect(kind: type[T], value: object) -> T:
    assert isinstance(value, kind), value
    return value


def label(location: FieldLocation) -> str:
    """Return a label; mypy checks that the enum has no other member."""
    match location:
        case FieldLocation.BODY:
            return "form"
        case FieldLocation.QUERY | FieldLocation.PATH:
            return "address"
        case FieldLocation.HEADER:
            return "header"
    assert_never(location)


def register_and_log_in() -> tuple[UserRead, AuthenticatedClient]:
    registration = UserCreate(
        email=EMAIL, password=PASSWORD, first_name="Ada", last_name="Lovelace"
    )
    user = expect(UserRead, register.sync(client=anonymous, body=registration))

    taken = expect(Problem, register.sync(client=anonymous, body=registration))
    assert_type(taken.code, ProblemCode)
    assert taken.code is ProblemCode.EMAIL_TAKEN
    assert not taken.errors

    weak = UserCreate(email="someone@example.com", password="short")
    problem = expect(Problem, register.sync(client=anonymous, body=weak))
    assert problem.code is ProblemCode.VALIDATION_FAILED
    assert problem.errors
    [error] = problem.errors
    assert label(error.in_) == "form"
    assert (error.field, error.code) == ("/password", FieldErrorCode.TOO_SHORT)
    assert_type(error.code, FieldErrorCode)
    assert error.params["min"] == 8
    assert error.detail.startswith("must ")

    wrong = login.sync(client=anonymous, body=LoginForm(username=EMAIL, password="wrong"))
    assert expect(Problem, wrong).code is ProblemCode.INVALID_CREDENTIALS
    tokens = login.sync(client=anonymous, body=LoginForm(username=EMAIL, password=PASSWORD))
    assert_type(tokens, TokenPair | Problem | None)
    token = expect(TokenPair, tokens).access_token
    return user, AuthenticatedClient(base_url=URL, token=token)


def change_names_and_write_a_profile(client: AuthenticatedClient, user: UserRead) -> None:
    """An absent field is not changed; None clears it."""
    renamed = update_me.sync(client=client, body=UserPatch(first_name="Augusta"))
    assert expect(UserRead, renamed).last_name == "Lovelace"
    cleared = update_me.sync(client=client, body=UserPatch(last_name=None))
    assert expect(UserRead, cleared).full_name == "Augusta"

    written = ProfilePut(display_name="Ada", bio="Analyst")
    expect(ProfileRead, replace_my_profile.sync(client=client, body=written))
    patched = update_my_profile.sync(client=client, body=ProfilePatch(bio=None))
    profile = expect(ProfileRead, patched)
    assert (profile.display_name, profile.bio) == ("Ada", None)
    assert expect(ProfileRead, read_profile.sync(user.id, client=anonymous)) == profile


def write_a_post(client: AuthenticatedClient) -> PostRead:
    created = create_post.sync_detailed(
        client=client, body=PostCreate(title="Draft", content=CONTENT)
    )
    draft = expect(PostRead, created.parsed)
    retitled = update_post.sync_detailed(draft.id, client=client, body=PostPatch(title="Notes"))
    post = expect(PostRead, retitled.parsed)
    assert (post.title, post.content) == ("Notes", CONTENT)

    stale = update_post.sync(
        draft.id,
        client=client,
        body=PostPatch(title="Lost"),
        if_match=created.headers["ETag"],
    )
    assert expect(Problem, stale).code is ProblemCode.PRECONDITION_FAILED
    published = publish_post.sync_detailed(
        draft.id, client=client, if_match=retitled.headers["ETag"]
    )
    unchanged = read_post.sync_detailed(
        draft.id, client=client, if_none_match=published.headers["ETag"]
    )
    assert unchanged.status_code == 304
    return expect(PostRead, published.parsed)


def read_pages(client: AuthenticatedClient, user: UserRead, post: PostRead) -> None:
    for title in ("Second", "Third"):
        draft = expect(PostRead, create_post.sync(client=client, body=PostCreate(title=title)))
        expect(PostRead, publish_post.sync(draft.id, client=client))
    items: list[PostListItem] = []
    cursor: str | None = None
    while True:
        # The generator does not know that a token is optional here, but a client without one works.
        public: AuthenticatedClient = anonymous  # type: ignore[assignment]
        found = list_posts.sync(client=public, author=user.id, limit=2, cursor=cursor)
        page = expect(PostPage, found)
        items += page.items
        cursor = page.next_cursor
        if cursor is None:
            break
    assert [item.title for item in items] == ["Third", "Second", "Notes"]
    assert items[-1].id == post.id
    assert items[-1].excerpt == CONTENT[:500]
    assert "content" not in items[-1].to_dict()


def read_errors(client: AuthenticatedClient, user: UserRead) -> None:
    missing = expect(Problem, read_post.sync(user.id, client=client))
    assert missing.code is ProblemCode.POST_NOT_FOUND
    invalid = expect(Problem, list_posts.sync(client=client, status=PostStatus.DRAFT, limit=0))
    assert invalid.errors
    [error] = invalid.errors
    assert (error.in_, error.field) == (FieldLocation.QUERY, "limit")
    assert (error.code, error.params["min"]) == (FieldErrorCode.TOO_SMALL, 1)
    # No generated function has this parameter, so the request is made without one.
    response = client.get_httpx_client().get("/api/v1/posts", params={"autor": "me"})
    unknown = Problem.from_dict(response.json())
    assert unknown.errors
    [error] = unknown.errors
    assert (error.in_, error.field) == (FieldLocation.QUERY, "autor")
    assert error.code is FieldErrorCode.UNKNOWN_FIELD


def main() -> None:
    user, client = register_and_log_in()
    change_names_and_write_a_profile(client, user)
    post = write_a_post(client)
    read_pages(client, user, post)
    read_errors(client, user)


main()
