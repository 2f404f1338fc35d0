"""trim names"""
from alembic import op

revision = "e5f6a1b2c3d4"
down_revision = "d4e5f6a1b2c3"


def upgrade():
    op.execute("UPDATE users SET name = trim(name)")


def downgrade():
    pass
