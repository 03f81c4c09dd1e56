//! Toolbar of the three images: zoom, comparison, map, colours and window.

use egui::{
    PopupCloseBehavior, Slider, Ui,
    containers::menu::{MenuButton, MenuConfig},
    vec2,
};
use egui_material_icons::icons;

use super::{
    overlay::QueryOverlay,
    raster::DisplayMap,
    triptych::{Compare, FULL_RANGE, Triptych},
};
use crate::{
    data::colour_map::{ColourMap, table},
    ui::{
        Action, UiCommand, theme,
        widgets::{colour_bar::ColourTable, drop_down::DropDown, icon_toggle},
    },
};

impl Triptych {
    /// Draws the toolbar.
    pub(super) fn tools(&mut self, ui: &mut Ui, model: bool, over: &mut dyn QueryOverlay, actions: &mut Vec<Action>) {
        let roomy = ui.available_width() >= theme::TOOLBAR_ROOMY;
        ui.horizontal_wrapped(|ui| {
            ui.spacing_mut().item_spacing = vec2(theme::GAP_XS, theme::GAP_XS);
            let tip = |ui: &Ui, command: UiCommand| command.tooltip(ui.ctx());
            let fit = self.view.is_fit();
            let icon = icons::ICON_FIT_SCREEN;
            let text = tip(ui, UiCommand::FitPicture);
            if icon_toggle(ui, icon, &text, true, fit).accessible_name(UiCommand::FitPicture.title()).clicked() {
                self.view.fit();
            }
            let actual = egui::Button::new("1:1").min_size(vec2(theme::ROW, theme::CONTROL));
            let actual = ui.add(actual).accessible_name(UiCommand::ActualPixels.title());
            if actual.on_hover_text(tip(ui, UiCommand::ActualPixels)).clicked() {
                self.view.actual();
            }
            for (command, icon, on) in [
                (UiCommand::Blink, icons::ICON_VISIBILITY, self.compare == Compare::Blink),
                (UiCommand::Swipe, icons::ICON_COMPARE, self.compare == Compare::Swipe),
                (UiCommand::MapOverlay, icons::ICON_LAYERS, self.layout.overlay),
            ] {
                let text = tip(ui, command);
                if icon_toggle(ui, icon, &text, true, on).accessible_name(command.title()).clicked() {
                    self.toggle(command);
                }
            }
            ui.add_enabled_ui(self.layout.overlay, |ui| {
                ui.spacing_mut().slider_width = theme::SLIDER_SHORT;
                let slider = Slider::new(&mut self.layout.opacity, 0.0..=1.0).show_value(false);
                let slider = ui.name_inputs("Map opacity", |ui| ui.add(slider));
                slider
                    .on_hover_text(format!("Opacity of the map over the image, {:.0} %", self.layout.opacity * 100.0));
            });
            self.choices(ui, if roomy { theme::CHOICE } else { theme::SLIDER_SHORT + theme::GAP_XL });
            self.window_menu(ui);
            over.tools(ui, model, actions);
        });
    }

    /// Draws the choice of map and colours.
    fn choices(&mut self, ui: &mut Ui, width: f32) {
        let (map, chosen) = (self.map, self.chosen());
        DropDown { name: "Map", help: map.help(), width }.with_label(ui, "Map", map.title(), |ui| {
            let help = "The map of the score that decides: for the combined score, the one that carries most of it.";
            if ui.selectable_label(chosen.is_none(), "Deciding map").on_hover_text(help).clicked() {
                self.choose(None);
            }
            ui.separator();
            for kind in DisplayMap::ALL {
                if ui.selectable_label(chosen == Some(kind), kind.title()).on_hover_text(kind.help()).clicked() {
                    self.choose(Some(kind));
                }
            }
        });
        if map == DisplayMap::Signed {
            return;
        }
        let (name, grey) = (if self.layout.grey { "Grey" } else { "Ember" }, self.layout.grey);
        let colours = DropDown { name: "Map colours", help: "Map colours", width: theme::VALUE };
        colours.with_label(ui, "Colours", name, |ui| {
            for (title, value, colours) in [("Ember", false, ColourMap::Ember), ("Grey", true, ColourMap::Grey)] {
                ui.horizontal(|ui| {
                    ColourTable::preview(ui, table(colours), vec2(theme::SLIDER_SHORT, theme::GAP_M));
                    if ui.selectable_label(grey == value, title).clicked() {
                        self.layout.grey = value;
                        ui.close();
                    }
                });
            }
        });
    }

    /// Draws the menu for window and level of image and reconstruction.
    fn window_menu(&mut self, ui: &mut Ui) {
        let changed = self.window.is_some();
        let icon = icons::ICON_CONTRAST.rich_text().size(theme::ICON_BUTTON);
        let config = MenuConfig::new().close_behavior(PopupCloseBehavior::CloseOnClickOutside);
        let button = egui::Button::new(icon).min_size(vec2(theme::ROW, theme::CONTROL)).selected(changed);
        let (response, _) = MenuButton::from_button(button).config(config).ui(ui, |ui| {
            let (mut level, mut window) = self.window.unwrap_or(FULL_RANGE);
            ui.spacing_mut().slider_width = theme::CHOICE;
            ui.label("Grey levels of image and reconstruction");
            let a = ui.add(Slider::new(&mut level, 0.0..=255.0).fixed_decimals(0).text("Level"));
            let b = ui.add(Slider::new(&mut window, 2.0..=255.0).fixed_decimals(0).text("Window"));
            if a.changed() || b.changed() {
                self.window = Some((level, window));
            }
            if ui
                .add_enabled(self.window.is_some(), egui::Button::new("Full range"))
                .on_disabled_hover_text("All grey levels are shown.")
                .clicked()
            {
                self.window = None;
            }
        });
        let (low, high) = self.greys();
        let tip = format!("Window and level: black at {low:.0}, white at {high:.0} grey levels");
        response.accessible_name("Window and level").on_hover_text(tip);
    }
}
