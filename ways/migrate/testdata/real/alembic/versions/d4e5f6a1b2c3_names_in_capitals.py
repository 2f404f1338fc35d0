"""names in capitals, which nobody can take back"""
from alembic import op

revision = "d4e5f6a1b2c3"
down_revision = "c3d4e5f6a1b2"


def upgrade():
    op.execute("UPDATE users SET name = upper(name)")


def downgrade():
    raise NotImplementedError("the small letters are gone")
