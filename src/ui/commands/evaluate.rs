//! Commands of the Evaluate page.

use egui::Key;

use super::{
    CommandContext, UiCommand,
    row::{CommandRow, CommandSection, Effect, commands, ctrl, key},
};
use crate::{
    engine::EvaluationRequest,
    ui::{Action, PageId, PathRequest},
};

const HERE: &[PageId] = &[PageId::Evaluate];

/// The page lists inspected test images.
fn images(c: &CommandContext) -> bool {
    c.page == PageId::Evaluate && c.evaluation.images
}

commands! { "Evaluation";
    EvaluateOpen {
        title: "Open test images…",
        help: "Chooses a folder of healthy and defective images and tests the active model on them.",
        keywords: "evaluate folder data mvtec masks",
        keys: [ctrl(Key::O)],
        pages: HERE,
        enabled: |c| c.model,
        effect: Effect::Action(|_| Action::Ask(PathRequest::TestImages)),
    }
    EvaluateAgain {
        title: "Repeat or resume the test",
        help: "Tests the active model on the same images; images it has inspected before are not inspected again.",
        keywords: "evaluate again continue",
        keys: [key(Key::R)],
        pages: HERE,
        enabled: |c| c.model && c.evaluation.repeatable,
        effect: Effect::Page(PageId::Evaluate),
        records: true,
    }
    EvaluateStop {
        title: "Cancel the test",
        help: "Cancels the test or the report. Results so far are kept, and the test can be resumed.",
        keywords: "evaluate stop end",
        keys: [key(Key::S)],
        pages: HERE,
        enabled: |c| c.evaluation.running,
        effect: Effect::Action(|_| Action::engine(EvaluationRequest::Cancel)),
    }
    EvaluateBack {
        title: "Previous test image",
        help: "Selects the image above the selected one.",
        keywords: "up table",
        keys: [key(Key::ArrowUp)],
        pages: HERE,
        enabled: images,
        effect: Effect::Page(PageId::Evaluate),
    }
    EvaluateForward {
        title: "Next test image",
        help: "Selects the image below the selected one.",
        keywords: "down table",
        keys: [key(Key::ArrowDown)],
        pages: HERE,
        enabled: images,
        effect: Effect::Page(PageId::Evaluate),
    }
    EvaluateInspect {
        title: "Show in Inspect",
        help: "Inspects the selected test image and shows its anomalous regions.",
        keywords: "evaluate open image",
        keys: [key(Key::Enter)],
        pages: HERE,
        enabled: images,
        effect: Effect::Page(PageId::Evaluate),
    }
    EvaluateAdopt {
        title: "Apply this score and rate",
        help: "Bases verdicts on the displayed score and promises the displayed rate; both are saved in the model file.",
        keywords: "evaluate threshold promise adopt save",
        keys: [ctrl(Key::S)],
        pages: HERE,
        enabled: |c| c.evaluation.adopt,
        effect: Effect::Page(PageId::Evaluate),
    }
    EvaluateReweight {
        title: "Reweight using these labels",
        help: "Weights each score by how far the defects of this test shift it, instead of synthetic defects. The promise \
               still rests on held-out healthy images.",
        keywords: "evaluate combined fuse weights learn",
        keys: [],
        pages: HERE,
        enabled: |c| c.evaluation.reweight,
        effect: Effect::Action(|_| Action::engine(EvaluationRequest::Reweight(true))),
    }
    EvaluateUnweight {
        title: "Reset the score weights",
        help: "Discards the weights from labelled defects.",
        keywords: "evaluate labels combined fuse forget undo",
        keys: [],
        pages: HERE,
        enabled: |c| c.evaluation.reweighted,
        effect: Effect::Action(|_| Action::engine(EvaluationRequest::Reweight(false))),
    }
    EvaluateReport {
        title: "Export the report…",
        help: "Writes a page with metrics, curves and the worst images, and a CSV file with one row per image.",
        keywords: "evaluate html csv json save",
        keys: [ctrl(Key::E)],
        pages: HERE,
        enabled: |c| c.evaluation.report,
        effect: Effect::Action(|_| Action::Ask(PathRequest::Report)),
    }
}
