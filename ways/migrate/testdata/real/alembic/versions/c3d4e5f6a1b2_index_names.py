"""index names"""
from alembic import op

revision = "c3d4e5f6a1b2"
down_revision = "b2c3d4e5f6a1"


def upgrade():
    op.create_index("users_name", "users", ["name"])


def downgrade():
    op.drop_index("users_name")
