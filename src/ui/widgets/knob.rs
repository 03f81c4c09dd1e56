//! The editor of one knob of the recipe, derived from its row in the table of knobs.

use egui::{Align, ComboBox, DragValue, Id, Layout, Response, RichText, Role, Sense, Slider, Ui, WidgetInfo, vec2};
use egui_material_icons::icons;
use toml::Value;

use super::{flush_right, typed_number::TypedNumber};
use crate::{
    train::knobs::{Domain, Knob, plain},
    ui::{focus, theme, theme::Palette},
};

/// Draws the knob; returns the new value at the end of a drag, after a number was typed, or after a choice. During a drag
/// the value is displayed but not returned.
pub(crate) fn knob_editor(
    ui: &mut Ui,
    knob: &'static Knob,
    value: &Value,
    default: &Value,
    enabled: bool,
) -> Option<Value> {
    let p = Palette::of(ui);
    let mut settled = None;
    let shown = pending(ui, gesture_id(ui, knob)).unwrap_or_else(|| as_number(value));
    let typed = TypedNumber::new(shown, figure(knob, shown));
    let mut set = shown;
    let differs = value != default;
    let mut hover = tooltip(knob, default);
    if !enabled {
        hover.push_str(&format!("\n{LOCKED}"));
    }
    let row = ui.horizontal(|ui| {
        ui.set_height(theme::CONTROL);
        ui.spacing_mut().item_spacing.x = theme::GAP_XS;
        if dot(ui, knob, default, differs, enabled).clicked() {
            settled = Some(default.clone());
        }
        flush_right(ui, |ui| {
            // The label is drawn after the editor, which has a fixed width, but the editor needs its id first.
            let label = ui.scope_id().with((knob.key, "label"));
            let wanted = ui.label_inputs_by(label, |ui| {
                ui.add_enabled_ui(enabled, |ui| match knob.domain {
                    Domain::Int(..) | Domain::Float(..) | Domain::LogFloat(..) => number(ui, knob, &typed, &mut set),
                    Domain::Bool => switch(ui, value),
                    Domain::OneOf(options) => {
                        let options = options.iter().map(|v| (Value::Integer(*v), v.to_string()));
                        choice(ui, knob, value, options.collect())
                    }
                    Domain::AutoOr((word, title), numbers) => {
                        let auto = (Value::String(word.into()), title.to_owned());
                        let numbers = numbers.iter().map(|n| (Value::Integer(n.0), n.1.to_owned()));
                        choice(ui, knob, value, std::iter::once(auto).chain(numbers).collect())
                    }
                    Domain::Choice(words) => {
                        let options = words.iter().map(|w| (Value::String(w.0.into()), w.1.to_owned()));
                        choice(ui, knob, value, options.collect())
                    }
                })
                .inner
            });
            settled = settled.take().or(wanted);
            ui.with_layout(Layout::left_to_right(Align::Center), |ui| {
                let mut text = egui::text::LayoutJob::default();
                let colour = if enabled { p.text } else { p.text_weak };
                let body = egui::TextStyle::Body.resolve(ui.style());
                let format = |colour| egui::TextFormat::simple(body.clone(), colour);
                text.append(knob.label, 0.0, format(colour));
                if !knob.unit.is_empty() {
                    text.append(knob.unit, theme::GAP_XS, format(p.text_weak));
                }
                let widget = egui::Label::new(text).truncate().sense(Sense::hover());
                let shown = ui.add(widget).on_hover_text(&hover);
                // An invisible copy of the label under the id that the editor refers to.
                ui.interact(shown.rect, label, Sense::hover())
                    .widget_info(|| WidgetInfo::labeled(Role::Label, enabled, knob.label));
            });
        });
    });
    focus::answer(ui, knob.key, row.response.rect);
    if is_number(knob) && !is_seed(knob) {
        let slid = ui.add_enabled_ui(enabled, |ui| slider(ui, knob, value)).inner;
        settled = settled.or(slid);
    }
    if is_number(knob) {
        let reached = settled.as_ref().map_or(set, as_number);
        typed.ui(ui, gesture_id(ui, knob), bounds(knob.domain), (reached, as_number(value)), |v| figure(knob, v));
    }
    settled.filter(|new| new != value)
}

/// Whether the knob is a number in a range.
fn is_number(knob: &Knob) -> bool {
    matches!(knob.domain, Domain::Int(..) | Domain::Float(..) | Domain::LogFloat(..))
}

/// Whether the knob is the seed, which has no slider because its size means nothing.
fn is_seed(knob: &Knob) -> bool {
    knob.key == "seed"
}

fn tooltip(knob: &Knob, default: &Value) -> String {
    let range = knob.domain.to_string();
    format!("{}\nRange: {range}; default: {}.\n{}", knob.help, plain(default), knob.key)
}

/// A dot if the value differs from the recipe's; a click resets it.
fn dot(ui: &mut Ui, knob: &Knob, default: &Value, differs: bool, enabled: bool) -> Response {
    let p = Palette::of(ui);
    let sense = if differs && enabled { Sense::click() } else { Sense::hover() };
    let (rect, response) = ui.allocate_exact_size(vec2(theme::ICON, theme::CONTROL), sense);
    if !differs {
        return response;
    }
    let hot = response.hovered() || response.has_focus();
    ui.painter().circle_filled(rect.center(), if hot { 4.0 } else { 3.0 }, p.accent);
    response.widget_info(|| {
        WidgetInfo::labeled(Role::Button, enabled, format!("Reset {} to {}", knob.label, plain(default)))
    });
    response.on_hover_text(format!("Changed. Click to reset it to {}.", plain(default)))
}

/// The value of a gesture in progress.
fn pending(ui: &Ui, id: Id) -> Option<f64> {
    ui.data(|d| d.get_temp::<f64>(id))
}

/// Stores the value during a gesture, or returns it at its end.
fn settle(ui: &Ui, id: Id, response: &Response, reached: f64, knob: &Knob) -> Option<Value> {
    let busy = response.dragged() || response.is_pointer_button_down_on();
    if response.changed() && busy {
        ui.data_mut(|d| d.insert_temp(id, reached));
        return None;
    }
    if response.changed() || (!busy && pending(ui, id).is_some()) {
        ui.data_mut(|d| d.remove::<f64>(id));
        return value_of(knob, reached);
    }
    None
}

/// Converts a number to the knob's type; `None` if it is out of range.
fn value_of(knob: &Knob, number: f64) -> Option<Value> {
    let value = match knob.domain {
        Domain::Int(..) => Value::Integer(number.round() as i64),
        Domain::LogFloat(..) => Value::Float(significant(number, 3)),
        _ => Value::Float(significant(number, 6)),
    };
    knob.check(&value).ok()
}

/// Rounds to this number of significant digits, so that a drag leaves no long decimals in the recipe.
fn significant(value: f64, digits: usize) -> f64 {
    format!("{value:.*e}", digits.saturating_sub(1)).parse().unwrap_or(value)
}

fn as_number(value: &Value) -> f64 {
    match value {
        Value::Integer(v) => *v as f64,
        Value::Float(v) => *v,
        _ => 0.0,
    }
}

fn bounds(domain: Domain) -> (f64, f64) {
    match domain {
        Domain::Int(low, high) => (low as f64, high as f64),
        Domain::Float(low, high) | Domain::LogFloat(low, high) => (low, high),
        _ => (0.0, 1.0),
    }
}

fn gesture_id(ui: &Ui, knob: &Knob) -> Id {
    ui.ctx().viewport_id().0.with(("knob", knob.key))
}

/// Draws the number field; `shown` becomes the value in it.
fn number(ui: &mut Ui, knob: &Knob, typed: &TypedNumber, shown: &mut f64) -> Option<Value> {
    let id = gesture_id(ui, knob);
    let (low, high) = bounds(knob.domain);
    let speed = match knob.domain {
        Domain::Int(..) => ((high - low) / 400.0).clamp(0.05, 50.0),
        Domain::LogFloat(..) => *shown * 0.01,
        _ => (high - low) / 400.0,
    };
    let mut edit = DragValue::new(shown)
        .range(low..=high)
        .speed(speed)
        .update_while_editing(false)
        .min_size(vec2(theme::VALUE, theme::CONTROL))
        .custom_formatter(|v, _| figure(knob, v))
        .custom_parser(|text| typed.read(text));
    if matches!(knob.domain, Domain::Int(..)) {
        edit = edit.max_decimals(0);
    }
    let response = ui.add(edit);
    settle(ui, id, &response, *shown, knob)
}

/// Formats a knob's number: grouped thousands, exponents for small numbers.
fn figure(knob: &Knob, value: f64) -> String {
    match knob.domain {
        Domain::Int(..) if is_seed(knob) => format!("{value:.0}"),
        Domain::Int(..) => super::ticks::grouped(value, 0),
        _ if value != 0.0 && value.abs() < 1e-3 => format!("{:e}", significant(value, 3)),
        _ if value.abs() >= 1000.0 => super::ticks::grouped(value, 0),
        _ => format!("{}", significant(value, 4)),
    }
}

fn slider(ui: &mut Ui, knob: &Knob, value: &Value) -> Option<Value> {
    let id = gesture_id(ui, knob).with("slider");
    let mut shown = pending(ui, id).unwrap_or_else(|| as_number(value));
    let (low, high) = bounds(knob.domain);
    let size = vec2(ui.available_width(), theme::SLIDER);
    ui.allocate_ui_with_layout(size, Layout::left_to_right(Align::Center), |ui| {
        ui.spacing_mut().interact_size.y = theme::SLIDER;
        ui.add_space(theme::ICON - theme::GAP_XS);
        ui.spacing_mut().slider_width = ui.available_width();
        // Wide ranges are logarithmic.
        let logarithmic = matches!(knob.domain, Domain::LogFloat(..)) || high - low > 500.0;
        let mut slider = Slider::new(&mut shown, low..=high).show_value(false).logarithmic(logarithmic);
        if matches!(knob.domain, Domain::Int(..)) {
            slider = slider.integer();
        }
        slider = slider.smallest_positive(if low > 0.0 { low } else { 1.0 });
        let response = ui.name_inputs(format!("{}, slider", knob.label), |ui| ui.add(slider));
        // The number field follows the slider.
        if response.changed() {
            ui.data_mut(|d| d.insert_temp(gesture_id(ui, knob), shown));
        }
        let settled = settle(ui, id, &response, shown, knob);
        if settled.is_some() {
            ui.data_mut(|d| d.remove::<f64>(gesture_id(ui, knob)));
        }
        settled
    })
    .inner
}

fn switch(ui: &mut Ui, value: &Value) -> Option<Value> {
    let mut on = value.as_bool().unwrap_or_default();
    let response = ui.add(egui::Checkbox::without_text(&mut on));
    response.changed().then_some(Value::Boolean(on))
}

fn choice(ui: &mut Ui, knob: &Knob, value: &Value, options: Vec<(Value, String)>) -> Option<Value> {
    let current = options.iter().find(|o| o.0 == *value).map(|o| o.1.clone()).unwrap_or_else(|| plain(value));
    let mut chosen = None;
    let width = if matches!(knob.domain, Domain::OneOf(_)) { theme::VALUE } else { theme::CHOICE };
    ComboBox::from_id_salt(knob.key).width(width).truncate().selected_text(current).show_ui(ui, |ui| {
        for (option, title) in options {
            if ui.selectable_label(option == *value, title).clicked() {
                chosen = Some(option);
            }
        }
    });
    chosen
}

/// Draws a lock and the reason why knobs cannot be changed.
pub(crate) fn locked_line(ui: &mut Ui) {
    let p = Palette::of(ui);
    ui.horizontal(|ui| {
        ui.spacing_mut().item_spacing.x = theme::GAP_XS;
        ui.label(icons::ICON_LOCK.rich_text().size(theme::ICON).color(p.text_weak));
        ui.add(egui::Label::new(RichText::new(LOCKED).text_style(theme::caption()).color(p.text_weak)).wrap());
    });
}

/// The reason why a knob is locked.
const LOCKED: &str = "Fixed for this run; start a new one to change it.";

#[cfg(test)]
mod tests {
    use super::*;
    use crate::train::{Recipe, knobs::KNOBS};

    #[test]
    fn a_number_becomes_what_the_knob_stores() {
        let knob = |key: &str| crate::train::knobs::knob(key).unwrap();
        assert_eq!(value_of(knob("train.k_g"), 2.4), Some(Value::Integer(2)));
        assert_eq!(value_of(knob("train.k_g"), 11.0), None);
        assert_eq!(value_of(knob("g.lr"), 0.000_234_567), Some(Value::Float(0.000_235)));
        assert_eq!(value_of(knob("train.noise"), 0.1), Some(Value::Float(0.1)));
    }

    #[test]
    fn figures_read_as_a_person_writes_them() {
        let knob = |key: &str| crate::train::knobs::knob(key).unwrap();
        assert_eq!(figure(knob("g.lr"), 2e-4), "2e-4");
        assert_eq!(figure(knob("train.ema"), 0.999), "0.999");
        assert_eq!(figure(knob("train.steps"), 20_000.0), "20,000");
        assert_eq!(figure(knob("seed"), 20_000.0), "20000");
    }

    #[test]
    fn every_default_survives_its_own_figure() {
        let recipe = Recipe::default();
        for knob in KNOBS {
            let value = recipe.get(knob.key).unwrap();
            if matches!(knob.domain, Domain::Int(..) | Domain::Float(..) | Domain::LogFloat(..)) {
                let text = figure(knob, as_number(&value)).replace(',', "");
                assert_eq!(value_of(knob, text.parse().unwrap()), Some(value), "{}", knob.key);
            }
        }
    }
}
