//! Every page in its typical states at many sizes and scales: no control is cut off, and none covers another.

use std::{collections::HashMap, fs, sync::Arc};

use egui::{
    Id, Rect, Vec2,
    accesskit::{NodeId, Role},
};
use egui_kittest::kittest::{NodeT, Queryable};
use ganspect::{
    data::surface::{DefectType, SetSize, SurfaceKind, write_set},
    engine::{
        EngineState,
        evaluation::EvaluationPhase,
        finetune::FinetunePhase,
        inspection::{InspectionStatus, QueryState},
        intake::IntakePhase,
        training::TrainingPhase,
    },
    train::{Health, Preset},
    ui::{Action, PageId, PathRequest, ReviewSettings, ThemeChoice, UiCommand},
};

use crate::{
    critic, evaluate, harness,
    harness::{TestWindow, open_in},
    inspected,
    inspected::{STEPS, entry},
    missed, pages, parts, review,
};

/// Window sizes in pixels; the first is the smallest in which no page scrolls as a whole.
const SIZES: [[f32; 2]; 4] = [[664.0, 410.0], [1024.0, 640.0], [1280.0, 800.0], [1920.0, 1080.0]];
/// Scale factors.
const SCALES: [f32; 3] = [1.0, 1.5, 2.0];
/// Width of a side panel.
const PANEL: f32 = 306.0;
/// Overlaps and cuts up to this many points are rounding.
const SLACK: f32 = 1.5;

/// A control that was drawn.
struct Control {
    role: Role,
    name: String,
    /// Its whole area, and the part of it that is visible.
    rect: Rect,
    seen: Rect,
    layer: egui::LayerId,
    /// A visible text names it.
    labelled: bool,
    /// It can be scrolled horizontally and vertically.
    scrolls: [bool; 2],
}

impl Control {
    fn describe(&self) -> String {
        let [a, b] = [self.rect, self.seen].map(|r| [r.left(), r.top(), r.right(), r.bottom()].map(f32::round));
        format!("{:?} '{}' {a:?} of which {b:?} is visible", self.role, self.name)
    }
}

/// Returns the controls of the last frame.
fn controls(test: &TestWindow) -> Vec<Control> {
    let mut nodes = HashMap::new();
    let mut left = vec![test.harness.root().accesskit_node()];
    while let Some(node) = left.pop() {
        let name = node.label().or_else(|| node.value()).unwrap_or_default();
        let labelled = node.labelled_by().next().is_some();
        nodes.insert(node.locate().0, (node.role(), name, labelled));
        left.extend(node.children());
    }
    let role = |id: Id| nodes.get(&NodeId(id.value()));
    let passive = [Role::Label, Role::ScrollBar, Role::Unknown, Role::GenericContainer];
    test.harness.ctx.viewport(|viewport| {
        let widgets = &viewport.prev_pass.widgets;
        let all = || widgets.layers().flat_map(|(_, widgets)| widgets);
        // A bar lies at the edge of what it scrolls, which is as wide or as high as the area that holds it.
        let bars = all().filter(|w| role(w.id).is_some_and(|(role, ..)| *role == Role::ScrollBar));
        let views: Vec<(Rect, usize)> = bars
            .map(|bar| {
                let holder = widgets.get(bar.parent_id).map_or(bar.rect, |holder| holder.interact_rect);
                match bar.rect.height() > bar.rect.width() {
                    true => (bar.rect.with_min_x(holder.left()), 1),
                    false => (bar.rect.with_min_y(holder.top()), 0),
                }
            })
            .collect();
        let scrolls = |widget: &egui::WidgetRect| {
            // What is as wide as its view scrolls along one axis; anything scrolls along two.
            let (mut fitting, mut along_any) = ([false; 2], [false; 2]);
            for (view, axis) in &views {
                let across = |rect: Rect| if *axis == 1 { rect.x_range() } else { rect.y_range() };
                let along = |rect: Rect| if *axis == 1 { rect.y_range() } else { rect.x_range() };
                let (view_across, view_along) = (across(*view), along(*view));
                let (own, seen) = (across(widget.rect), along(widget.interact_rect));
                let within = view_across.min - SLACK <= own.min && own.max <= view_across.max + SLACK;
                let hidden = seen.span() <= 0.0;
                let inside = view_along.min - SLACK <= seen.min && seen.max <= view_along.max + SLACK;
                along_any[*axis] |= hidden || inside;
                fitting[*axis] |= within && (hidden || inside);
            }
            if along_any == [true; 2] { along_any } else { fitting }
        };
        let mut controls = Vec::new();
        for widget in all().filter(|w| w.sense.interactive() && w.visible) {
            let node = role(widget.id).filter(|(role, ..)| !passive.contains(role));
            let Some((role, name, labelled)) = node.cloned() else { continue };
            let (rect, seen, layer) = (widget.rect, widget.interact_rect, widget.layer_id);
            controls.push(Control { role, name, labelled, rect, seen, layer, scrolls: scrolls(widget) });
        }
        controls
    })
}

/// Returns what is wrong with the layout of the last frame.
fn faults(test: &TestWindow) -> Vec<String> {
    let controls = controls(test);
    let screen = test.harness.ctx.content_rect();
    let mut faults = Vec::new();
    for control in &controls {
        let Control { rect, seen, scrolls, .. } = control;
        if !rect.is_positive() || !rect.is_finite() {
            faults.push(format!("no area: {}", control.describe()));
            continue;
        }
        if control.name.trim().is_empty() && control.role == Role::ComboBox {
            faults.push(format!("a drop-down without a name: {}", control.describe()));
        }
        if !control.labelled && control.role == Role::ComboBox {
            faults.push(format!("a drop-down without a visible label: {}", control.describe()));
        }
        let seen = seen.intersect(screen);
        let cut = [rect.width() - seen.width().max(0.0), rect.height() - seen.height().max(0.0)];
        // What is scrolled out of sight along one axis has no visible part along the other either.
        let hidden = !seen.is_positive() && scrolls.contains(&true);
        if !hidden && (0..2).any(|axis| cut[axis] > SLACK && !scrolls[axis]) {
            faults.push(format!("cut off: {}", control.describe()));
        }
    }
    // Dividers lie on the edge between two areas on purpose.
    let solid: Vec<&Control> = controls.iter().filter(|c| c.role != Role::Splitter && c.seen.is_positive()).collect();
    for (i, a) in solid.iter().enumerate() {
        for b in &solid[i + 1..] {
            let both = a.seen.intersect(b.seen);
            let overlap = both.width() > SLACK && both.height() > SLACK;
            // A list entry or a picture may hold controls of its own.
            let holds = |outer: &Control, inner: &Control| {
                let holder = matches!(outer.role, Role::ListBoxOption | Role::Image | Role::Row | Role::Meter);
                holder && outer.seen.expand(SLACK).contains_rect(inner.seen)
            };
            if overlap && a.layer == b.layer && !holds(a, b) && !holds(b, a) {
                faults.push(format!("overlap: {} and {}", a.describe(), b.describe()));
            }
        }
    }
    faults
}

/// Returns what is wrong with the picture of the part: it is the largest image, and wider than the side panel or a good
/// part of the window.
fn smaller_picture(test: &TestWindow) -> Option<String> {
    let controls = controls(test);
    let images = || controls.iter().filter(|c| c.role == Role::Image);
    let Some(part) = images().find(|c| c.name.starts_with("Image")) else { return Some("no picture".into()) };
    let area = |c: &Control| c.rect.width() * c.rect.height();
    if let Some(other) = images().find(|c| area(c) > area(part) + 1.0) {
        return Some(format!("{} is larger than {}", other.describe(), part.describe()));
    }
    let wide = part.rect.width() >= PANEL || part.rect.width() >= 0.4 * test.harness.ctx.content_rect().width();
    (!wide).then(|| format!("small: {}", part.describe()))
}

/// Draws the current state at every size and scale; collects what is wrong.
fn check(test: &mut TestWindow, what: &str, faults_so_far: &mut Vec<String>) {
    check_with(test, what, false, faults_so_far);
}

/// Like [`check`]; `largest` says that the page shows a part, whose picture is the largest thing.
fn check_with(test: &mut TestWindow, what: &str, largest: bool, faults_so_far: &mut Vec<String>) {
    for scale in SCALES {
        test.harness.state_mut().apply(Action::Look(ThemeChoice::Dark, scale));
        test.harness.run_steps(2);
        for size in SIZES {
            test.harness.set_size(Vec2::from(size) / scale);
            test.harness.run_steps(3);
            let mut found = faults(test);
            if largest {
                found.extend(smaller_picture(test));
            }
            for fault in found {
                faults_so_far.push(format!("{what}, {}x{} at {scale}: {fault}", size[0], size[1]));
            }
        }
    }
}

fn assert_none(faults: &[String]) {
    let shown: Vec<&str> = faults.iter().take(400).map(String::as_str).collect();
    assert!(faults.is_empty(), "{} faults\n{}", faults.len(), shown.join("\n"));
}

fn show(test: &mut TestWindow, page: PageId) {
    test.harness.state_mut().apply(Action::Command(page.command()));
    test.harness.run_steps(2);
}

fn window() -> TestWindow {
    let folder = tempfile::tempdir().unwrap();
    (0..8).for_each(|i| drop(review::image_file(folder.path(), i)));
    pages::earlier_run(&folder.path().join("runs"), "first", &Preset::Laptop.recipe());
    pages::earlier_run(&folder.path().join("runs"), "a run with a rather long name, kept", &Preset::Talk2017.recipe());
    open_in(folder, true, SIZES[2], |_| {}, |settings| settings.review.reviewer = "ada".into())
}

/// Runs `states` in one window and fails with every fault found.
fn lay_out(states: impl FnOnce(&mut TestWindow, &Arc<EngineState>, &mut Vec<String>)) {
    let mut test = window();
    let engine = Arc::clone(test.harness.state().state());
    let mut faults = Vec::new();
    states(&mut test, &engine, &mut faults);
    assert_none(&faults);
}

#[test]
fn the_pages_without_work_fit() {
    lay_out(|test, engine, faults| {
        review::put(engine, Vec::new());
        for page in PageId::ALL {
            show(test, page);
            if page == PageId::Runs {
                test.until("the runs", |window| harness::shows(window, "first"));
            }
            check(test, &format!("{page:?} at rest"), faults);
        }
        show(test, PageId::Runs);
        for run in ["Compare first", "Compare a run with a rather long name, kept"] {
            test.harness.get_by_label(run).click();
            test.harness.run_steps(2);
        }
        check(test, "Runs compared", faults);
    });
}

#[test]
fn the_train_page_fits() {
    lay_out(|test, engine, faults| {
        for (phase, health) in [
            (TrainingPhase::Running, Health::Good),
            (TrainingPhase::Paused, Health::DTooStrong),
            (TrainingPhase::Finished, Health::Good),
            (TrainingPhase::Failed("the disk is full: /parts/runs/turned/log".into()), Health::Good),
        ] {
            let what = format!("Train, {phase:?}");
            harness::run(engine, phase, 640, health);
            show(test, PageId::Train);
            check(test, &what, faults);
        }
        engine.training.status.write().build_cancelled = Some(0.34);
        engine.training.status.write().phase = TrainingPhase::Finished;
        check(test, "Train, the build was cancelled", faults);
        engine.training.status.write().build_cancelled = None;
        for phase in [TrainingPhase::Opening { done: 40, total: 1_000 }, TrainingPhase::Preparing] {
            let what = format!("Train, {phase:?}");
            engine.training.status.write().phase = phase;
            check(test, &what, faults);
        }
        critic::building(engine);
        check(test, "Train, building the model", faults);
        harness::run(engine, TrainingPhase::Running, 640, Health::Good);
        test.harness.state_mut().apply(Action::Command(UiCommand::CriticPreview));
        check(test, "Train, critic preview", faults);
    });
}

#[test]
fn the_inspect_page_fits() {
    lay_out(|test, engine, faults| {
        let reset = |engine: &EngineState| *engine.inspection.status.write() = InspectionStatus::default();
        let waiting = || Arc::new(entry("part-0042.png", QueryState::Waiting));
        show(test, PageId::Inspect);
        engine.inspection.status.write().entries.push(waiting());
        check(test, "Inspect, no model", faults);
        reset(engine);
        inspected::model(engine);
        check(test, "Inspect, no image", faults);
        inspected::query(engine, "part-0043.png", Some(DefectType::Scratch), 3, 18, 4);
        engine.inspection.status.write().entries.push(waiting());
        check_with(test, "Inspect, running", true, faults);
        reset(engine);
        inspected::model(engine);
        inspected::query(engine, "part-0043.png", Some(DefectType::Scratch), 3, STEPS, 4);
        check_with(test, "Inspect, finished", true, faults);
        test.harness.state_mut().apply(Action::Look(ThemeChoice::Dark, 1.0));
        test.harness.set_size(Vec2::from(SIZES[3]));
        test.harness.state_mut().apply(Action::Command(UiCommand::RegionForward));
        test.harness.run_steps(2);
        test.harness.get_by_label("Region settings").click();
        check_with(test, "Inspect, a region selected", true, faults);
        reset(engine);
        inspected::model(engine);
        inspected::failed(engine);
        check(test, "Inspect, failed", faults);
    });
}

#[test]
fn a_list_of_images_fits() {
    lay_out(|test, engine, faults| {
        show(test, PageId::Inspect);
        inspected::model(engine);
        let add = |name: String, state: QueryState| {
            engine.inspection.status.write().entries.push(Arc::new(entry(&name, state)));
        };
        (0..40).for_each(|i| add(format!("housing with a rather long name {i:04}.png"), QueryState::Waiting));
        inspected::query(engine, "part-0043.png", Some(DefectType::Scratch), 3, 18, 4);
        check_with(test, "Inspect, a list", true, faults);
        engine.inspection.status.write().entries.clear();
        (0..40).for_each(|i| add(format!("housing with a rather long name {i:04}.png"), QueryState::Stopped));
        inspected::query(engine, "part-0043.png", Some(DefectType::Scratch), 3, STEPS, 4);
        check_with(test, "Inspect, a cancelled list", true, faults);
    });
}

#[test]
fn a_part_of_a_test_fits() {
    lay_out(|test, engine, faults| {
        evaluate::finished(engine);
        show(test, PageId::Evaluate);
        harness::press(test, egui::Modifiers::NONE, egui::Key::ArrowDown);
        harness::press(test, egui::Modifiers::NONE, egui::Key::Enter);
        let entries = |window: &harness::Window| window.state().state().inspection.status.read().entries.len();
        test.until("the part", |window| entries(window) == 1);
        let id = engine.inspection.status.read().entries[0].id;
        missed::inspected_healthy(engine, id);
        test.harness.run_steps(3);
        check_with(test, "Inspect, a part of a test", true, faults);
    });
}

#[test]
fn the_import_page_fits() {
    lay_out(|test, _, faults| {
        let size = SetSize { train: 8, test_good: 1, test_per_defect: 1, side: 64 };
        let set = test.path("a data set with a rather long name, of last week");
        write_set(&set, SurfaceKind::Milled, 3, size, &|_, _| true).unwrap();
        test.harness.state_mut().apply(Action::Import(set.clone()));
        test.until("the data set", |window| harness::shows(window, "Train on 3 healthy images"));
        check(test, "Import, a data set", faults);
        let parts = test.path("parts");
        fs::create_dir_all(&parts).unwrap();
        fs::rename(set.join("train/good"), parts.join("alpha")).unwrap();
        fs::rename(set.join("test/crack"), parts.join("zeta with a rather long name")).unwrap();
        test.harness.state_mut().apply(Action::Import(parts.clone()));
        test.until("the question", |window| harness::shows(window, "Which images are healthy?"));
        check(test, "Import, roles are asked", faults);
        // Too few images for a run.
        let few = test.path("few");
        fs::create_dir(&few).unwrap();
        for name in ["000.png", "001.png"] {
            fs::copy(parts.join("alpha").join(name), few.join(name)).unwrap();
        }
        test.harness.state_mut().apply(Action::Import(few));
        test.until("the few images", |window| harness::shows(window, "2 healthy images"));
        check(test, "Import, too few images", faults);
        let empty = test.path("empty");
        fs::create_dir(&empty).unwrap();
        test.harness.state_mut().apply(Action::Import(empty));
        test.until("the fault", |window| harness::shows(window, "This data cannot be used for training"));
        check(test, "Import, an empty folder", faults);
    });
}

#[test]
fn the_evaluate_page_fits() {
    lay_out(|test, engine, faults| {
        show(test, PageId::Evaluate);
        evaluate::test_status(engine, 20);
        check(test, "Evaluate, running", faults);
        for phase in [
            EvaluationPhase::Opening(40, 1_000),
            EvaluationPhase::Stopped,
            EvaluationPhase::Failed("no test images in /parts/of/last/week".into()),
        ] {
            let what = format!("Evaluate, {phase:?}");
            engine.evaluation.status.write().phase = phase;
            check(test, &what, faults);
        }
        evaluate::finished(engine);
        check(test, "Evaluate, finished", faults);
        engine.evaluation.status.write().reporting = Some((3, 18));
        check(test, "Evaluate, the report is written", faults);
    });
}

#[test]
fn the_review_page_fits() {
    lay_out(|test, engine, faults| {
        let parts = review::items(test.folder.path(), 8);
        show(test, PageId::Review);
        test.until("the record", |w| w.state().state().review.snapshot.read().path.is_some());
        review::put(engine, parts);
        test.harness.run_steps(3);
        check(test, "Review, without a model", faults);
        review::model_and_map(engine, 2);
        test.harness.run_steps(3);
        check_with(test, "Review, with a map", true, faults);
        let blind = ReviewSettings { double_blind: true, ..test.harness.state().settings().review.clone() };
        test.harness.state_mut().apply(Action::Review(Box::new(blind)));
        test.harness.run_steps(3);
        check(test, "Review, double-blind", faults);
    });
}

#[test]
fn intake_and_fine_tuning_fit() {
    lay_out(|test, engine, faults| {
        let items = review::items(test.folder.path(), 8);
        show(test, PageId::Review);
        test.until("the record", |w| w.state().state().review.snapshot.read().path.is_some());
        review::put(engine, items);
        for (tuned, what) in [(false, "running"), (true, "compared")] {
            parts::states(engine, tuned);
            test.harness.run_steps(3);
            check(test, &format!("Review, an intake, and fine-tuning {what}"), faults);
        }
        let text = "Stopped. 77 parts recorded. 67 were not inspected; they are inspected next time.";
        engine.intake.status.write().phase = IntakePhase::Ended(text.into());
        engine.intake.status.write().spec.as_mut().unwrap().options.once = true;
        let text = "Cancelled while comparing both models, after 12 of 40 parts. No model was saved.";
        engine.finetune.status.write().phase = FinetunePhase::Stopped;
        engine.finetune.status.write().cancelled = Some(text.into());
        check(test, "Review, intake and fine-tuning cancelled", faults);
        engine.intake.status.write().phase = IntakePhase::Failed("the folder /line/3/camera was removed".into());
        engine.finetune.status.write().phase = FinetunePhase::Failed("Fine-tuning failed: the disk is full.".into());
        check(test, "Review, intake and fine-tuning failed", faults);
    });
}

#[test]
fn modals_and_the_presentation_fit() {
    lay_out(|test, engine, faults| {
        inspected::model(engine);
        inspected::query(engine, "part-0043.png", Some(DefectType::Scratch), 3, STEPS, 1);
        show(test, PageId::Help);
        test.harness.state_mut().apply(Action::Command(UiCommand::Palette));
        check(test, "the palette", faults);
        test.harness.state_mut().apply(Action::Command(UiCommand::Palette));
        for request in [PathRequest::Queries, PathRequest::SaveModel] {
            test.harness.state_mut().apply(Action::Ask(request));
            check(test, "a path is asked for", faults);
            harness::press(test, egui::Modifiers::NONE, egui::Key::Escape);
        }
        let taken = test.path("a recipe with a rather long name, of last week.toml");
        let save = Box::new(Action::SaveRecipe(taken.clone()));
        test.harness.state_mut().apply(Action::AskReplace(taken, save));
        check(test, "a question before a file is replaced", faults);
        harness::press(test, egui::Modifiers::NONE, egui::Key::Escape);
        let run = test.path("runs/first");
        test.harness.state_mut().apply(Action::AskTrash(run));
        check(test, "a question", faults);
        harness::press(test, egui::Modifiers::NONE, egui::Key::Escape);
        test.harness.state_mut().apply(Action::LoadRecipe("/missing.toml".into()));
        test.harness.state_mut().apply(Action::Command(UiCommand::Notices));
        check(test, "the notices", faults);
        test.harness.state_mut().apply(Action::Command(UiCommand::Notices));
        show(test, PageId::Inspect);
        test.harness.state_mut().apply(Action::Command(UiCommand::Present));
        check(test, "the presentation", faults);
    });
}
