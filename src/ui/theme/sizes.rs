//! Sizes in points, on a grid of 4.

use egui::{Vec2, vec2};

/// Gap between the parts of a control, points.
pub(crate) const GAP_XS: f32 = 4.0;
/// Gap between controls.
pub(crate) const GAP_S: f32 = 8.0;
/// Inner margin of a panel.
pub(crate) const GAP_M: f32 = 12.0;
/// Gap between groups.
pub(crate) const GAP_L: f32 = 16.0;
/// Gap between sections of a page.
pub(crate) const GAP_XL: f32 = 24.0;
/// Height of a row that holds controls.
pub(crate) const ROW: f32 = 28.0;
/// Height of a row of a table.
pub(crate) const ROW_TIGHT: f32 = 18.0;
/// Height of an entry of the rail with its name, and without.
pub(crate) const RAIL_ENTRY: f32 = 56.0;
pub(crate) const RAIL_NAMED: f32 = 42.0;
/// Size of a page below which it is scrolled as a whole.
pub(crate) const PAGE_LEAST: Vec2 = vec2(616.0, 380.0);
/// Width of a workspace below which its side panel takes the place of its contents.
pub(crate) const NARROW: f32 = 840.0;
/// Width of the images and their list below which the list shows thumbnails only.
pub(crate) const LIST_ROOMY: f32 = 720.0;
/// Width of that list with thumbnails only.
pub(crate) const LIST_THUMBNAILS: f32 = 68.0;
/// Width of an image from which image, reconstruction and map lie side by side at the same size.
pub(crate) const ABREAST: f32 = 340.0;
/// Share of the width for the column of reconstruction and map beside a larger image.
pub(crate) const BESIDE_SHARE: f32 = 0.32;
/// Width below which the player of the convergence leaves out what is rarely needed.
pub(crate) const PLAYER_ROOMY: f32 = 600.0;
/// Width that the verdict buttons of a review need in one row.
pub(crate) const VERDICTS_ROOMY: f32 = 720.0;
/// Height of a workspace below which a strip at its foot folds.
pub(crate) const LOW: f32 = 420.0;
/// Width of the rail.
pub(crate) const RAIL: f32 = 48.0;
/// Minimum width of a side panel.
pub(crate) const PANEL_MIN: f32 = 280.0;
/// Width of a side panel in a [`ROOMY`] workspace.
pub(crate) const PANEL: f32 = 306.0;
/// Minimum width of a workspace in which side panels have their full width.
pub(crate) const ROOMY: f32 = 1200.0;
/// Maximum width of a side panel.
pub(crate) const PANEL_MAX: f32 = 360.0;
/// Maximum width of a column of text.
pub(crate) const TEXT_MAX: f32 = 640.0;
/// Side of a status icon.
pub(crate) const ICON: f32 = 12.0;
/// Side of an icon on a button.
pub(crate) const ICON_BUTTON: f32 = 16.0;
/// Corner radius.
pub(crate) const RADIUS: u8 = 4;
/// Width of hairlines.
pub(crate) const HAIRLINE: f32 = 1.0;
/// Width of a curve.
pub(crate) const CURVE: f32 = 1.5;
/// Width of a background curve.
pub(crate) const CURVE_FAINT: f32 = 1.0;
/// Height of a control within a row.
pub(crate) const CONTROL: f32 = 22.0;
/// Height of a tile's heading.
pub(crate) const TILE_HEAD: f32 = 20.0;
/// Width reserved for the labels of a vertical axis.
pub(crate) const AXIS: f32 = 40.0;
/// Width of a column of numbers in the table of values.
pub(crate) const FIGURE_COLUMN: f32 = 46.0;
/// Height of a row in the table of values.
pub(crate) const ROW_VALUE: f32 = 15.0;
/// Minimum width of a column of curves.
pub(crate) const TILE_WIDE: f32 = 200.0;
/// Minimum height of a tile of curves.
pub(crate) const TILE_LEAST: f32 = 120.0;
/// Minimum width of a column of the table of values.
pub(crate) const VALUES_WIDE: f32 = 200.0;
/// Gap between the images of a grid.
pub(crate) const PICTURE_GAP: f32 = 2.0;
/// Side of the tag on a selected image.
pub(crate) const TAG: f32 = 14.0;
/// Height of the latent walk.
pub(crate) const WALK: f32 = 148.0;
/// Width of a knob's number field.
pub(crate) const VALUE: f32 = 64.0;
/// Width of a knob's drop-down list.
pub(crate) const CHOICE: f32 = 112.0;
/// Height of a knob's slider.
pub(crate) const SLIDER: f32 = 14.0;
/// Height of the health line.
pub(crate) const HEALTH: f32 = 20.0;
/// Minimum width of the curves.
pub(crate) const CURVES_LEAST: f32 = 340.0;
/// Minimum width of the samples.
pub(crate) const SAMPLES_LEAST: f32 = 300.0;
/// Height of the message in an empty area.
pub(crate) const EMPTY_PLACE: f32 = 72.0;
/// Width of the image list.
pub(crate) const QUERIES: f32 = 184.0;
/// Height of a row of that list.
pub(crate) const QUERY_ROW: f32 = 48.0;
/// Side of a thumbnail in that list.
pub(crate) const THUMBNAIL: f32 = 40.0;
/// Width of a colour bar with its labels.
pub(crate) const COLOUR_BAR: f32 = 52.0;
/// Width of the bar itself.
pub(crate) const COLOUR_BAR_INNER: f32 = 12.0;
/// Share of the height for the convergence, if that exceeds its minimum height.
pub(crate) const CONVERGENCE_SHARE: f32 = 0.28;
/// Minimum height of the convergence below the images.
pub(crate) const CONVERGENCE: f32 = 196.0;
/// Minimum height of the images above it.
pub(crate) const PICTURES_LEAST: f32 = 440.0;
/// Width of a slider in a toolbar.
pub(crate) const SLIDER_SHORT: f32 = 48.0;
/// Width of a toolbar below which its choices are shortened.
pub(crate) const TOOLBAR_ROOMY: f32 = 560.0;
/// Height of a row in the table of test images.
pub(crate) const TEST_ROW: f32 = 36.0;
/// Side of a test image's thumbnail.
pub(crate) const TEST_THUMBNAIL: f32 = 32.0;
/// Minimum width of that table for wide columns.
pub(crate) const TABLE_ROOMY: f32 = 560.0;
/// Width of the outcome column.
pub(crate) const OUTCOME: f32 = 158.0;
/// Width of the outcome column in a narrow table.
pub(crate) const OUTCOME_NARROW: f32 = 92.0;
/// Width of the defect type column.
pub(crate) const DEFECT_TYPE: f32 = 96.0;
/// Width of the defect type column in a narrow table.
pub(crate) const DEFECT_TYPE_NARROW: f32 = 60.0;
/// Share of the Evaluate workspace for its plots.
pub(crate) const PLOTS_SHARE: f32 = 0.27;
/// Minimum width of those plots.
pub(crate) const PLOTS_LEAST: f32 = 248.0;
/// Maximum width of those plots.
pub(crate) const PLOTS_MOST: f32 = 560.0;
/// Width reserved for the labels of a vertical axis in percent.
pub(crate) const AXIS_PERCENT: f32 = 34.0;
/// Width of the row labels of the confusion matrix.
pub(crate) const MATRIX_NAMES: f32 = 56.0;
/// Height of a row of that matrix.
pub(crate) const MATRIX_ROW: f32 = 42.0;
/// Width of the bar beside a score.
pub(crate) const SCORE_BAR: f32 = 64.0;
/// Width of a confidence interval.
pub(crate) const INTERVAL: f32 = 84.0;
/// Width of "12 of 20".
pub(crate) const CAUGHT: f32 = 64.0;
/// Width of the remaining time of a test.
pub(crate) const TIME_LEFT: f32 = 112.0;
/// Width of a button on an empty page.
pub(crate) const CHOICE_BUTTON: f32 = 224.0;
/// Maximum height of the contents of an empty page.
pub(crate) const EMPTY_COLUMN: f32 = 380.0;
/// Width of the row labels of the critic preview.
pub(crate) const ROW_NAMES: f32 = 52.0;
/// Height of the critic preview on the import page.
pub(crate) const CRITIC_PREVIEW: f32 = 312.0;
/// Minimum height of the contents above it.
pub(crate) const ABOVE_CRITIC_PREVIEW: f32 = 320.0;
/// Height of the histograms strip.
pub(crate) const STRIP: f32 = 132.0;

/// Width of the names of the filters of a review.
pub(crate) const FILTER_NAME: f32 = 76.0;
/// Height of the filmstrip of parts in review.
pub(crate) const FILM: f32 = 96.0;
/// Width of a part in it.
pub(crate) const FILM_CELL: f32 = 76.0;
/// Side of a part's image in it.
pub(crate) const FILM_PICTURE: f32 = 56.0;
/// Height of the row of verdicts.
pub(crate) const VERDICTS: f32 = 44.0;
/// Height of the notice that a review queue is done.
pub(crate) const QUEUE_END: f32 = 76.0;
