//! Text that is safe to show and to store: names with control characters, paths that are not UTF-8, and cells of tables.

mod cells;
pub(crate) mod path_text;
mod printable;

pub(crate) use cells::{Cell, TableWriter, table_line};
pub(crate) use printable::{PrintablePath, json_escaped, printable, printable_lines};
