"""What of SQLAlchemy's and Alembic's suites is tested here, and why other things are not.

The suites assume the default for what is in neither list.
"""

from alembic.testing.requirements import SuiteRequirements as OfAlembic
from sqlalchemy.testing import exclusions
from sqlalchemy.testing.requirements import SuiteRequirements as OfSQLAlchemy

# What SQLAlchemy assumes that no database has by default.
HAS = """
    boolean_col_expressions check_constraint_reflection comment_reflection comment_reflection_full_unicode
    create_or_replace_view create_table_as create_temp_table_as cross_schema_fk_reflection ctes
    ctes_with_update_delete datetime_literals delete_from except_ expression_server_defaults
    fk_constraint_option_reflection_ondelete_noaction foreign_key_constraint_option_reflection_ondelete
    foreign_key_constraint_option_reflection_onupdate has_temp_table implements_get_lastrowid
    inline_check_constraint_reflection intersect json_type
    mod_operator_as_percent_sign nvarchar_types precision_numerics_enotation_small
    precision_numerics_many_significant_digits precision_numerics_retains_significant_digits
    reflect_table_options regexp_match regexp_replace schema_create_delete server_defaults
    supports_bitwise_and supports_bitwise_or supports_bitwise_shift supports_bitwise_xor table_ddl_if_exists
    temp_table_comment_reflection temp_table_reflection tuple_in tuple_in_w_empty unicode_ddl
    unique_constraints_reflect_as_index unique_index_reflect_as_unique_constraints update_from views
    window_functions window_range window_range_numeric
""".split()  # noqa: SIM905  # as one reads them

HAS_NOT = {
    # The server's, and MySQL's.
    "symbol_names_w_double_quote": "SHOW CREATE TABLE of a name with a double quote is a syntax error on the server",
    "bound_limit_offset": "LIMIT takes numbers, no expressions, in MySQL's dialect",
    "sql_expression_limit_offset": "as above",
    "cast_precision_numerics_many_significant_digits": "numbers within JSON are DOUBLE",
    "precision_generic_float_type": "FLOAT is written with six digits",
    "legacy_unconditional_json_extract": "a text of JSON that is cast to CHAR has no quotes on the server",
    "datetime_implicit_bound": "a text is a text until a type is asked for",
    "date_implicit_bound": "as above",
    "time_implicit_bound": "as above",
    "datetime_microseconds": "DATETIME has none unless it is DATETIME(6)",
    "time_microseconds": "TIME has none unless it is TIME(6)",
    # Measured on a server (server-facts 15, 40).
    "savepoints": "a SAVEPOINT is taken, and cannot be rolled back to",
}


class Requirements(OfAlembic, OfSQLAlchemy):
    """What the suites ask about a dialect."""


for _name in HAS:
    setattr(Requirements, _name, property(lambda _: exclusions.open()))
for _name, _why in HAS_NOT.items():
    setattr(Requirements, _name, property(lambda _, why=_why: exclusions.closed(why)))
