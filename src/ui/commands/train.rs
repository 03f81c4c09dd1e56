//! Commands that control the training run.

use egui::Key;

use super::{
    UiCommand,
    row::{CommandRow, CommandSection, Effect, always, commands, ctrl, ctrl_shift, key},
};
use crate::{
    engine::{TrainingRequest, Update},
    ui::{Action, PageId, PathRequest, RunAction},
};

const EVERYWHERE: &[PageId] = &[];

commands! { "Training";
    NewRun {
        title: "New run",
        help: "Writes a checkpoint, closes the current run and shows the start page.",
        keywords: "start first surface built-in try",
        keys: [ctrl(Key::N)],
        pages: EVERYWHERE,
        enabled: always,
        effect: Effect::Action(|_| Action::Run(RunAction::Close)),
    }
    OpenFolder {
        title: "Open a folder of healthy images…",
        help: "Chooses training images and summarises the data set before anything is trained.",
        keywords: "import data load csv",
        keys: [ctrl(Key::O)],
        pages: EVERYWHERE,
        enabled: always,
        effect: Effect::Action(|_| Action::Ask(PathRequest::Images)),
    }
    ContinueLast {
        title: "Continue last run",
        help: "Resumes the most recent run from its checkpoint.",
        keywords: "resume again",
        keys: [ctrl_shift(Key::O)],
        pages: EVERYWHERE,
        enabled: |c| c.last_run && !c.run,
        effect: Effect::Action(|_| Action::Run(RunAction::ContinueLast)),
    }
    PlayPause {
        title: "Pause or resume training",
        help: "Pauses training after the current step, or resumes it.",
        keywords: "play start stop halt",
        keys: [key(Key::Space)],
        pages: EVERYWHERE,
        enabled: |c| c.run,
        effect: Effect::Action(|c| Action::engine(if c.can_pause { TrainingRequest::Pause } else { TrainingRequest::Play })),
    }
    TrainFurther {
        title: "Train further",
        help: "Adds half as many steps as the run has done, and trains on. 'Steps' under Run sets another number.",
        keywords: "continue more steps longer finished go on",
        keys: [],
        pages: EVERYWHERE,
        enabled: |c| c.finished,
        effect: Effect::Action(|_| Action::Run(RunAction::TrainFurther)),
    }
    StepBoth {
        title: "One step of both",
        help: "Trains one step of the schedule, then pauses.",
        keywords: "single",
        keys: [key(Key::B)],
        pages: EVERYWHERE,
        enabled: |c| c.running || c.paused,
        effect: Effect::Action(|_| Action::engine(TrainingRequest::Step(Update::Both))),
        records: true,
    }
    StepG {
        title: "One step of G",
        help: "Updates the generator once, then pauses.",
        keywords: "single generator",
        keys: [key(Key::G)],
        pages: EVERYWHERE,
        enabled: |c| c.running || c.paused,
        effect: Effect::Action(|_| Action::engine(TrainingRequest::Step(Update::G))),
        records: true,
    }
    StepD {
        title: "One step of D",
        help: "Updates the discriminator once, then pauses.",
        keywords: "single discriminator",
        keys: [key(Key::D)],
        pages: EVERYWHERE,
        enabled: |c| c.running || c.paused,
        effect: Effect::Action(|_| Action::engine(TrainingRequest::Step(Update::D))),
        records: true,
    }
    Checkpoint {
        title: "Write a checkpoint",
        help: "Saves all weights and the step now.",
        keywords: "save store",
        keys: [ctrl(Key::S)],
        pages: EVERYWHERE,
        enabled: |c| c.run,
        effect: Effect::Action(|_| Action::engine(TrainingRequest::Checkpoint)),
    }
    MakeModel {
        title: "Build the model file",
        help: "Trains encoder and critic, calibrates on held-out images and writes the model, from the current weights.",
        keywords: "make encoder critic calibrate finish ganspect",
        keys: [ctrl_shift(Key::M)],
        pages: EVERYWHERE,
        enabled: |c| c.run,
        effect: Effect::Action(|_| Action::engine(TrainingRequest::BuildModel)),
    }
    Stop {
        title: "Close the run",
        help: "Writes a checkpoint and closes the run; it can be resumed later.",
        keywords: "stop end finish",
        keys: [ctrl(Key::W)],
        pages: EVERYWHERE,
        enabled: |c| c.run,
        effect: Effect::Action(|_| Action::Run(RunAction::Close)),
    }
    Reset {
        title: "Restart from step 0",
        help: "Starts a new run with new weights in a folder beside this run, which is kept.",
        keywords: "reset begin again",
        keys: [ctrl_shift(Key::R)],
        pages: EVERYWHERE,
        enabled: |c| c.run,
        effect: Effect::Action(|_| Action::Run(RunAction::Restart)),
    }
}
