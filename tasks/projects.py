"""The operators' command for projects: `python -m tasks.projects add | list | members | member | remove-member`.

`add-company` makes a company; so does `add` where there is none of the name. Members are accounts of the company
(`python -m tasks.accounts add E-MAIL --kind member`).
Exit status: 0 done, 1 not possible (the sentence says why), 2 wrong use, 3 PostgreSQL is away.
"""

import argparse
import sys
from collections.abc import Callable, Mapping, Sequence
from uuid import UUID

from models.interviews import ProjectRole
from services.accounts.accounts import find_or_add_company
from services.interviews.errors import InterviewsError, LastAdmin, MemberNotFound, ProjectNotFound
from services.interviews.membership import describe_members, end_membership, find_colleague, give_role
from services.interviews.operators import NewProject, add_project, find_project, list_every_project
from services.stores import Stores
from tasks.commands import end_command
from tasks.opening import open_stores

_MOST_DIGITS = 15
_SENTENCES: Mapping[type[InterviewsError], str] = {
    ProjectNotFound: "no project has this id",
    MemberNotFound: "nobody with this e-mail is in the project, or in its company",
    LastAdmin: "the project's only admin stays: make somebody else one first",
}


def add_company(here: Stores, options: argparse.Namespace) -> str:
    with here.unit_of_work() as work:
        return str(find_or_add_company(work.session, options.name))


def add(here: Stores, options: argparse.Namespace) -> str:
    new = NewProject(
        name=options.name,
        description=options.description,
        purpose=options.purpose,
        target_audience=options.target_audience,
        research_method=options.research_method,
        requires_consent=options.requires_consent,
        monthly_token_limit=options.monthly_token_limit,
    )
    with here.unit_of_work() as work:
        return str(add_project(work.session, find_or_add_company(work.session, options.company), new))


def show_all(here: Stores, options: argparse.Namespace) -> str:
    with here.unit_of_work() as work:
        listed = list_every_project(work.session, options.company)
    return "\n".join(f"{one.id}  {one.company}  {one.name}  members: {one.members}" for one in listed)


def show_members(here: Stores, options: argparse.Namespace) -> str:
    with here.unit_of_work() as work:
        project = find_project(work.session, options.project)
        listed = describe_members(work.session, project.id)
    return "\n".join(f"{one['email']}  {one['name']}  {one['role']}" for one in listed)


def put_in(here: Stores, options: argparse.Namespace) -> str:
    with here.unit_of_work() as work:
        project = find_project(work.session, options.project)
        give_role(work, project, options.email, ProjectRole(options.role), here.clock.now())
    return f"is {options.role} from now on"


def take_out(here: Stores, options: argparse.Namespace) -> str:
    with here.unit_of_work() as work:
        project = find_project(work.session, options.project)
        end_membership(work, project.id, find_colleague(work.session, project, options.email))
    return "is no member any more; their open streams end"


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m tasks.projects", description=__doc__)
    verbs = parser.add_subparsers(dest="verb", required=True)

    def verb(name: str, run: Callable[[Stores, argparse.Namespace], str], words: str) -> argparse.ArgumentParser:
        made = verbs.add_parser(name, help=words)
        made.set_defaults(run=run)
        return made

    verb("add-company", add_company, "make a company, and print its id").add_argument("name", type=_text)
    _add_project_options(verb("add", add, "make a project, and print its id"))
    verb("list", show_all, "all projects").add_argument("--company", help="of the companies of this name only")
    verb("members", show_members, "who is in a project, as what").add_argument("project", type=UUID)
    member = verb("member", put_in, "put somebody of the company into a project, or give another role")
    gone = verb("remove-member", take_out, "take somebody out of a project")
    for one in (member, gone):
        one.add_argument("project", type=UUID)
        one.add_argument("email")
    member.add_argument("--role", choices=[role.value for role in ProjectRole], required=True)
    return parser


def _add_project_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("name", type=_text)
    parser.add_argument("--company", type=_text, required=True, help="made when there is none of this name")
    for name, words in (
        ("description", "for its members"),
        ("purpose", "told to the analysis"),
        ("target-audience", "told to the analysis"),
        ("research-method", "for its members"),
    ):
        parser.add_argument(f"--{name}", type=_text, help=words)
    parser.add_argument("--requires-consent", action="store_true", help="refuse uploads without consent")
    parser.add_argument("--monthly-token-limit", type=_count, help="of analyses, by the months of Korea")


def _text(value: str) -> str:
    if not value.strip():
        raise argparse.ArgumentTypeError("must not be empty")
    return value.strip()


def _count(value: str) -> int:
    if not value.isdecimal() or len(value) > _MOST_DIGITS:
        raise argparse.ArgumentTypeError("must be a whole number of at most 15 digits")
    return int(value)


def main(arguments: Sequence[str] | None = None) -> int:
    options = _parser().parse_args(arguments)
    here = open_stores()
    try:
        said = options.run(here, options)
    except InterviewsError as exc:
        sys.stderr.write(f"{_SENTENCES[type(exc)]}\n")
        return 1
    finally:
        here.close()
    sys.stdout.write(f"{said}\n" if said else "")
    return 0


if __name__ == "__main__":
    end_command(main)
