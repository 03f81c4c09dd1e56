//! Commands on the selected query.

use std::sync::Arc;

use super::InspectWorkspace;
use crate::{
    engine::{
        EngineState, InspectionRequest,
        inspection::{QueryId, QueryState},
    },
    ui::{Action, UiCommand, pages::examine::examine},
};

impl InspectWorkspace {
    /// Carries out the commands that concern this page and ignores all others.
    pub(crate) fn apply(&mut self, command: UiCommand, engine: &EngineState, actions: &mut Vec<Action>) {
        let scene = self.scene(engine);
        let mut request = |inspect| actions.push(Action::engine(inspect));
        let frames = scene.view.as_ref().map(|view| view.frames.as_slice()).unwrap_or_default();
        match command {
            UiCommand::FrameBack => return self.convergence.step(frames, -1),
            UiCommand::FrameForward => return self.convergence.step(frames, 1),
            UiCommand::FramePlay => return self.convergence.play(frames),
            UiCommand::ActualPixels => return self.triptych.view.actual(),
            UiCommand::FitPicture => return self.triptych.view.fit(),
            UiCommand::Present => return actions.push(Action::Present(self.ended(engine))),
            UiCommand::InspectPresent => {
                return actions.push(Action::Present(scene.entry().map(|entry| entry.id).into_iter().collect()));
            }
            UiCommand::Blink | UiCommand::Swipe | UiCommand::MapOverlay => return self.triptych.toggle(command),
            UiCommand::RegionForward | UiCommand::RegionBack => {
                let count = scene.anomalies().map_or(0, |list| list.regions.len());
                self.triptych.reveal |= self.anomalies.step(count, command == UiCommand::RegionForward);
                return;
            }
            UiCommand::RegionUndo => {
                if let Some(regions) = self.regions.undo() {
                    request(InspectionRequest::SetRegions(regions));
                }
                return;
            }
            _ => {}
        }
        let Some(entry) = scene.entry() else { return };
        let id = entry.id;
        match command {
            UiCommand::InspectPlayPause => {
                request(if entry.state == QueryState::Paused {
                    InspectionRequest::Play(id)
                } else {
                    InspectionRequest::Pause(id)
                });
            }
            UiCommand::InspectStop => request(InspectionRequest::Stop(id)),
            UiCommand::InspectMore => {
                self.convergence.follow();
                request(InspectionRequest::AddSteps(id, scene.knobs().steps));
            }
            UiCommand::InspectAgain => {
                self.convergence.follow();
                let seed = self.next_seed(id, scene.knobs().seed);
                request(InspectionRequest::Restart { id, seed, random: true });
            }
            UiCommand::InspectRemove => {
                if let Some(regions) = self.regions.delete_selected() {
                    return request(InspectionRequest::SetRegions(regions));
                }
                self.position = scene.selected.unwrap_or_default();
                actions.push(Action::Remove(vec![Arc::clone(entry)]));
            }
            UiCommand::OutcomeBack | UiCommand::OutcomeForward => {
                let next = self.truth(entry).and_then(|t| t.neighbour(command == UiCommand::OutcomeForward));
                actions.extend(next.and_then(examine));
            }
            UiCommand::InspectBack | UiCommand::InspectForward => {
                let row = scene.selected.unwrap_or_default();
                let next = if command == UiCommand::InspectBack { row.checked_sub(1) } else { Some(row + 1) };
                if let Some(entry) = next.and_then(|next| scene.rows.get(next)) {
                    self.select(entry.id);
                }
            }
            _ => {}
        }
    }

    /// Returns a seed that this query has not been inspected with.
    fn next_seed(&mut self, id: QueryId, current: u64) -> u64 {
        let last = self.list.seeds.entry(id).or_insert(current);
        *last = (*last).max(current).wrapping_add(1);
        *last
    }
}
