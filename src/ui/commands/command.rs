//! The identifier of a command.

use std::fmt;

/// A command of the window, identified by its name. The constants are declared with the rows of the command table.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct UiCommand(pub(super) &'static str);

impl fmt::Debug for UiCommand {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0)
    }
}
