"""The command ``kaijuan``: loads a command's code only when it is asked for."""

from __future__ import annotations

from importlib import import_module

import click

COMMANDS = {
    "serve": "app.operating.serve:serve",
    "worker": "app.operating.serve:worker",
    "migrate": "app.operating.schema:migrate",
    "doctor": "app.operating.doctor:doctor",
    "reindex": "app.catalog.cli.indexing:reindex",
    "demo": "app.operating.demo:demo",
    "jobs": "app.jobs.cli:jobs",
    "backup": "app.operating.backup.cli:backup",
    "restore": "app.operating.backup.cli:restore",
    "import": "app.operating.importing:imports",
    "record": "app.catalog.cli.records:record",
    "library": "app.operating.libraries:library",
    "user": "app.identity.cli.accounts:user",
    "card": "app.identity.cli.cards:card",
    "token": "app.identity.cli.accounts:token",
    "client": "app.signon.cli.clients:client",
    "provider": "app.signon.cli.providers:provider",
    "keys": "app.signon.cli.keys:keys",
    "audit": "app.identity.cli.audit:audit",
}


class LazyGroup(click.Group):
    """A group whose commands are known by name and imported on use."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """The names, in the order of the table."""
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """The command of this name."""
        if cmd_name not in COMMANDS:
            return None
        module, _, name = COMMANDS[cmd_name].partition(":")
        command: click.Command = getattr(import_module(module), name)
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """One line a command, without importing any."""
        with formatter.section("Commands"):
            formatter.write_dl(list(SUMMARIES.items()))


SUMMARIES = {
    "serve": "Serve the library, with a worker beside it.",
    "worker": "Work in the background: jobs, indexing, statistics.",
    "migrate": "Bring the database to this release.",
    "doctor": "Check every engine and invariant; say how to mend what is wrong.",
    "reindex": "Rebuild the search index, verified before it is used.",
    "demo": "Load the demonstration library.",
    "jobs": "List, show and retry background work.",
    "backup": "Back up everything to a folder or bucket; list and verify backups.",
    "restore": "Bring the library back as it stood in a backup.",
    "import": "Import records, books, libraries, readers, subjects; list and undo imports.",
    "record": "Show, mend, withdraw, restore and merge records.",
    "library": "Add, move, rename, suspend libraries; their networks; who asked to join.",
    "user": "Accounts; the first administrator comes by a link that works once.",
    "card": "Library cards: attach, detach, slips to claim them by.",
    "token": "Service tokens.",
    "client": "Systems that people sign on to with their account here.",
    "keys": "The keys that sign tokens: list, rotate, retire.",
    "provider": "The sign-on of libraries, through which their readers come in.",
    "audit": "Verify and export who did what to whom.",
}


@click.group(cls=LazyGroup, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="kaijuan")
def main() -> None:
    """Kaijuan (开卷): the backend of a digital library and its network."""


if __name__ == "__main__":
    main()
