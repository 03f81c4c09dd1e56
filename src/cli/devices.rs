//! `ganspect devices`

use super::output::out;
use crate::device;

pub(super) fn run() {
    let adapters = device::adapters();
    let width = adapters.iter().map(|a| a.name.chars().count()).max().unwrap_or(0);
    for adapter in &adapters {
        let option = match (adapter.index, adapter.kind) {
            (Some(n), _) => format!("gpu:{n}"),
            (None, "CPU") => "cpu".into(),
            (None, _) => "-".into(),
        };
        let mark = if adapter.picked { '*' } else { ' ' };
        out!("{mark} {option:<6} {:<width$}  {:<16}  {:<7}  {}", adapter.name, adapter.kind, adapter.api, adapter.note);
    }
    out!("");
    out!("* picked by --device auto");
}
