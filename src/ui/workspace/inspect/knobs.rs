//! The knobs of an inspection.

use egui::{CollapsingHeader, ComboBox, Ui};
use toml::Value;

use super::Scene;
use crate::{
    engine::{self, Inspect, inspect::InspectStatus},
    inspect::{InvertKnobs, InvertPreset},
    train::knobs::{Domain, Group, Knob},
    ui::{
        Action, Frame,
        theme::{self, Palette},
        widget::{flush_right, knob::knob_editor},
    },
};

/// A row of the table of knobs; they are all live, since they count for what is inspected next.
const fn knob(key: &'static str, label: &'static str, unit: &'static str, domain: Domain, help: &'static str) -> Knob {
    Knob { key, group: Group::Run, label, unit, help, domain, live: true }
}

/// Every knob of an inspection, in the order of the panel.
static KNOBS: [Knob; 13] = [
    knob("steps", "Steps", "", Domain::Int(1, 100_000), "Most steps of z; an early end comes sooner."),
    knob(
        "optimiser.kind",
        "Optimiser",
        "",
        Domain::Choice(&[("adam", "Adam"), ("sgd", "SGD"), ("rms-prop", "RMSProp")]),
        "The rule by which z moves: SGD with momentum (the talk), RMSProp with momentum, or Adam.",
    ),
    knob("optimiser.lr", "Learning rate", "", Domain::LogFloat(1e-6, 10.0), "How far z moves in a step."),
    knob(
        "optimiser.beta1",
        "Momentum",
        "",
        Domain::Float(0.0, 0.999),
        "Share of the last move that carries on (Adam: beta 1). The talk uses 0.8.",
    ),
    knob(
        "optimiser.beta2",
        "Decay of squares",
        "",
        Domain::Float(0.0, 0.9999),
        "How slowly Adam (beta 2) and RMSProp forget the size of past gradients; SGD has no use for it.",
    ),
    knob(
        "restarts",
        "Restarts",
        "",
        Domain::Int(1, 16),
        "Starts that run side by side; the best is kept and their spread is reported.",
    ),
    knob(
        "start",
        "Start",
        "",
        Domain::Choice(&[("encoder", "Encoder"), ("random", "Random")]),
        "Where z begins: the encoder's guess (f-AnoGAN) or a random draw.",
    ),
    knob(
        "constraint",
        "Constraint",
        "",
        Domain::Choice(&[("clip", "Clip"), ("sphere", "Sphere"), ("none", "None")]),
        "What z is held to: the latent distribution's range, the length of an average draw, or nothing.",
    ),
    knob(
        "feature_weight",
        "Feature weight",
        "",
        Domain::Float(0.0, 1.0),
        "Share of the feature-matching loss in D's second layer (AnoGAN: 0.1).",
    ),
    knob(
        "prior_weight",
        "Prior weight",
        "",
        Domain::Float(0.0, 1000.0),
        "Weight of log(1 - D(G(z))), which keeps the reconstruction plausible to D (Yeh et al. 2016).",
    ),
    knob(
        "robust",
        "Robustness",
        "",
        Domain::Float(0.0, 1.0),
        "How strongly z turns away from where the query looks damaged, so that a defect stays in the difference.",
    ),
    knob(
        "plateau",
        "Plateau",
        "steps",
        Domain::Int(0, 100_000),
        "Ends when so many steps brought less than 0.1 %; 0 never ends early.",
    ),
    knob(
        "seed",
        "Seed",
        "",
        Domain::Int(0, i64::MAX),
        "Names the random starts; the same seed gives the same numbers.",
    ),
];

/// The panel's own state.
#[derive(Debug, Default)]
pub struct KnobsPanel {
    /// As the user has turned them, and what was in force then.
    turned: Option<(InvertKnobs, InvertKnobs)>,
}

impl KnobsPanel {
    /// The knobs as the user has them: those in force, or those that are on their way.
    pub fn wanted<'a>(&'a mut self, status: &'a InspectStatus) -> &'a InvertKnobs {
        if self.turned.as_ref().is_some_and(|(_, before)| *before != status.knobs) {
            self.turned = None;
        }
        self.turned.as_ref().map_or(&status.knobs, |(wanted, _)| wanted)
    }

    /// Draws the panel.
    pub fn ui(&mut self, ui: &mut Ui, scene: &Scene, frame: &mut Frame<'_>) {
        let p = Palette::of(ui);
        let wanted = self.wanted(&scene.status).clone();
        let preset = InvertPreset::of(&wanted);
        let mut turned = None;
        ui.horizontal(|ui| {
            ui.set_height(theme::ROW);
            super::super::section(ui, "Settings");
            flush_right(ui, |ui| {
                let title = preset.map_or("Custom", InvertPreset::title);
                let combo = ComboBox::from_id_salt("invert-preset").width(theme::CHOICE).selected_text(title);
                let combo = combo.show_ui(ui, |ui| {
                    for option in InvertPreset::ALL {
                        let row = ui.selectable_label(preset == Some(option), option.title());
                        if row.on_hover_text(option.describe()).clicked() && preset != Some(option) {
                            turned = Some(InvertKnobs { seed: wanted.seed, ..option.knobs() });
                        }
                    }
                });
                combo
                    .response
                    .accessible_name("Preset of the inspection")
                    .on_hover_text("Every knob from a named setting");
            });
        });
        let words = preset.map_or("Turned by hand; a preset brings its own values back.", InvertPreset::describe);
        ui.add(egui::Label::new(theme::weak_caption(&p, words)).wrap());
        CollapsingHeader::new("Every knob").id_salt("invert-knobs").show_unindented(ui, |ui| {
            ui.add(egui::Label::new(theme::weak_caption(&p, "For the images that are inspected next.")).wrap());
            let base = preset.unwrap_or_default().knobs();
            let (Ok(Value::Table(now)), Ok(Value::Table(base))) = (Value::try_from(&wanted), Value::try_from(&base))
            else {
                return;
            };
            for knob in &KNOBS {
                let (Some(value), Some(default)) = (get(&now, knob.key), get(&base, knob.key)) else { continue };
                if let Some(value) = knob_editor(ui, knob, value, default, true) {
                    turned = with(&wanted, knob.key, value);
                }
            }
        });
        if let Some(knobs) = turned {
            self.turned = Some((knobs.clone(), scene.status.knobs.clone()));
            frame.actions.push(Action::Engine(engine::Command::Inspect(Inspect::Knobs(Box::new(knobs)))));
        }
    }
}

/// The value at a dotted path.
fn get<'a>(table: &'a toml::Table, key: &str) -> Option<&'a Value> {
    match key.split_once('.') {
        Some((head, rest)) => get(table.get(head)?.as_table()?, rest),
        None => table.get(key),
    }
}

/// The knobs with one of them turned; `None` for a value out of its range.
fn with(knobs: &InvertKnobs, key: &str, value: Value) -> Option<InvertKnobs> {
    let Value::Table(mut table) = Value::try_from(knobs).ok()? else { return None };
    match key.split_once('.') {
        Some((head, rest)) => table.get_mut(head)?.as_table_mut()?.insert(rest.to_owned(), value),
        None => table.insert(key.to_owned(), value),
    };
    let turned: InvertKnobs = Value::Table(table).try_into().ok()?;
    turned.validate().is_ok().then_some(turned)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_has_every_knob_and_its_ranges_hold() {
        let Value::Table(table) = Value::try_from(InvertKnobs::default()).unwrap() else { panic!() };
        let optimiser = table.get("optimiser").and_then(Value::as_table).unwrap().len();
        assert_eq!(KNOBS.len(), table.len() - 1 + optimiser);
        for preset in InvertPreset::ALL {
            let Value::Table(table) = Value::try_from(preset.knobs()).unwrap() else { panic!() };
            for knob in &KNOBS {
                let value = get(&table, knob.key).unwrap_or_else(|| panic!("{} is no knob", knob.key));
                assert!(knob.check(value).is_ok(), "{}", knob.key);
                assert_eq!(with(&preset.knobs(), knob.key, value.clone()), Some(preset.knobs()));
            }
        }
    }

    #[test]
    fn a_turned_knob_makes_a_custom_setting() {
        let knobs = with(&InvertKnobs::default(), "optimiser.lr", Value::Float(0.2)).unwrap();
        assert_eq!((knobs.optimiser.lr, InvertPreset::of(&knobs)), (0.2, None));
        assert_eq!(with(&knobs, "restarts", Value::Integer(99)), None);
        assert_eq!(with(&knobs, "seed", Value::Integer(7)).map(|k| InvertPreset::of(&k).is_some()), Some(false));
    }
}
