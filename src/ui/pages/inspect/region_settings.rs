//! Settings of anomaly regions, stored with the model: the size of a pixel, and the smallest area that counts.

use egui::{CollapsingHeader, DragValue, Label, Response, Ui, vec2};

use crate::{
    engine::{InspectionRequest, inspection::ModelFacts},
    inspect::{
        RegionSettings,
        anomaly_region::{CORE, MAX_AREA, MinArea, PIXEL_SIZES},
    },
    ui::{
        Action, Frame, theme,
        theme::{NoticeMark, Palette},
        widgets::{
            rows::{marked_text, named_row},
            segments,
            typed_number::TypedNumber,
        },
    },
};

/// Draws the settings of a model; a change is sent at once.
pub(super) fn ui(ui: &mut Ui, model: &ModelFacts, frame: &mut Frame<'_>) {
    let p = Palette::of(ui);
    let own = model.region_settings;
    let mut settings = own;
    CollapsingHeader::new("Region settings").id_salt("region-settings").show_unindented(ui, |ui| {
        let size = own.micrometres_per_pixel.unwrap_or_default();
        let help = "Side of a pixel of the image files, micrometres; 0 where it is unknown.";
        // 0 stands for an unknown size.
        let field = Field { name: "Micrometres per pixel", help, range: (0.0, PIXEL_SIZES.1), decimals: 4 };
        if let Some(size) = field.ui(ui, size) {
            settings = with_pixel_size(own, size, model.recipe.data.scale);
        }
        let (name, help) = ("Smallest area", "Regions of less area are not counted.");
        let range = match own.min_area {
            MinArea::Pixels(_) => (1.0, MAX_AREA),
            MinArea::SquareMicrometres(_) => (0.0, MAX_AREA),
        };
        let decimals = if matches!(own.min_area, MinArea::Pixels(_)) { 0 } else { 2 };
        if let Some(area) = (Field { name, help, range, decimals }).ui(ui, own.min_area.value()) {
            settings.min_area = match own.min_area {
                MinArea::Pixels(_) => MinArea::Pixels(area.max(1.0) as usize),
                MinArea::SquareMicrometres(_) => MinArea::SquareMicrometres(area),
            };
        }
        named_row(ui, "Unit of the area", "Pixels as inspected, or square micrometres.", |ui| {
            let in_um = matches!(own.min_area, MinArea::SquareMicrometres(_));
            let known = own.micrometres_per_pixel.is_some();
            let units = [(true, "µm²", "Square micrometres"), (false, "px", "Pixels of the image as inspected")];
            let chosen = ui.add_enabled_ui(known, |ui| segments(ui, in_um, &units)).inner;
            if let Some(in_um) = chosen {
                settings = with_unit(own, in_um, model.recipe.data.scale);
            }
        });
        if own.micrometres_per_pixel.is_none() {
            let text = "Sizes in micrometres need the micrometres per pixel.";
            ui.add(Label::new(theme::weak_caption(&p, text)).wrap());
        }
        if own.min_pixels(model.recipe.data.scale) < CORE {
            let text = format!(
                "The threshold is calibrated for regions of {CORE} pixels. Smaller ones are more frequent on healthy parts, and \
                 nothing is promised of them."
            );
            marked_text(ui, NoticeMark::Warning, text);
        }
        ui.add(Label::new(theme::weak_caption(&p, "Stored with the model; applied at once.")).wrap());
    });
    if settings != own && settings.validate().is_ok() {
        frame.actions.push(Action::engine(InspectionRequest::SetRegionSettings(settings)));
    }
}

/// Returns the settings with another pixel size, unknown for 0. An area in square micrometres then becomes pixels.
fn with_pixel_size(own: RegionSettings, size: f64, scale: f64) -> RegionSettings {
    if size == 0.0 {
        return RegionSettings { micrometres_per_pixel: None, ..with_unit(own, false, scale) };
    }
    RegionSettings { micrometres_per_pixel: Some(size.max(PIXEL_SIZES.0)), ..own }
}

/// Returns the settings with the smallest area in another unit.
fn with_unit(own: RegionSettings, in_um: bool, scale: f64) -> RegionSettings {
    let min_area = match (own.min_area, own.inspected_pixel(scale), in_um) {
        (MinArea::Pixels(pixels), Some(side), true) => MinArea::SquareMicrometres(pixels as f64 * side * side),
        (MinArea::SquareMicrometres(_), _, false) => MinArea::Pixels(own.min_pixels(scale)),
        (area, ..) => area,
    };
    RegionSettings { min_area, ..own }
}

/// A number field with its name.
struct Field {
    name: &'static str,
    help: &'static str,
    range: (f64, f64),
    decimals: usize,
}

impl Field {
    /// Draws the field; returns the value at the end of a drag, or after a number was typed.
    fn ui(&self, ui: &mut Ui, value: f64) -> Option<f64> {
        let Self { name, help, range, decimals } = *self;
        let format = |value: f64| {
            let text = format!("{value:.decimals$}");
            if text.contains('.') { text.trim_end_matches('0').trim_end_matches('.').to_owned() } else { text }
        };
        let id = ui.scope_id().with(name);
        let pending = ui.data(|d| d.get_temp::<f64>(id));
        let mut shown = pending.unwrap_or(value);
        let typed = TypedNumber::new(shown, format(shown));
        let mut field: Option<Response> = None;
        named_row(ui, name, help, |ui| {
            let edit = DragValue::new(&mut shown)
                .range(range.0..=range.1)
                .speed((value * 0.01).max(0.05))
                .max_decimals(decimals)
                .update_while_editing(false)
                .min_size(vec2(theme::VALUE, theme::ROW_TIGHT))
                .custom_formatter(|value, _| format(value))
                .custom_parser(|text| typed.read(text));
            field = Some(ui.name_inputs(name, |ui| ui.add(edit)).on_hover_text(help));
        });
        let response = field?;
        typed.ui(ui, response.id, range, (shown, value), format);
        if response.dragged() {
            ui.data_mut(|d| d.insert_temp(id, shown));
            return None;
        }
        let settled = response.changed() || pending.is_some();
        if settled {
            ui.data_mut(|d| d.remove::<f64>(id));
        }
        settled.then_some(shown).filter(|shown| *shown != value)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn units_follow_the_pixel_size() {
        let pixels = RegionSettings { micrometres_per_pixel: Some(10.0), min_area: MinArea::Pixels(20) };
        let um = with_unit(pixels, true, 1.0);
        assert_eq!(um.min_area, MinArea::SquareMicrometres(2_000.0));
        assert_eq!((with_unit(um, false, 1.0), with_unit(um, true, 1.0)), (pixels, um));
        // At half the resolution, 5 pixels have the same area.
        assert_eq!(with_unit(um, false, 0.5).min_area, MinArea::Pixels(5));
        let unknown = with_pixel_size(um, 0.0, 1.0);
        assert_eq!(unknown, RegionSettings { micrometres_per_pixel: None, min_area: MinArea::Pixels(20) });
        assert_eq!(with_unit(unknown, true, 1.0), unknown, "no unit without a size");
        let tiny = with_pixel_size(unknown, 1e-9, 1.0);
        assert!([um, unknown, tiny].iter().all(|settings| settings.validate().is_ok()));
    }
}
