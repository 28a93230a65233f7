"""Where Alembic finds the connection that `Database.migrate` opened."""

from alembic import context

from bot.store.schema import metadata, version

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=metadata,
    version_table=version.name,
    render_as_batch=True,
)
with context.begin_transaction():
    context.run_migrations()
