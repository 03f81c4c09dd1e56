//! Text that is safe to show and to store: names with control characters, paths that are not UTF-8, and cells of tables.

mod cells;
mod file_name;
pub(crate) mod path_text;
mod printable;

pub(crate) use cells::{Cell, TableWriter, table_line};
pub(crate) use file_name::file_name;
pub(crate) use printable::{PrintablePath, json_escaped, printable, printable_lines};
