//! The recipe in force as the user turns it, with everything that can be taken back.

use std::time::{Duration, Instant};

use toml::Value;

use crate::train::{Recipe, RecipeError};

/// Turns of one knob within this time are one change.
const ONE_CHANGE: Duration = Duration::from_millis(800);
/// Changes that can be taken back.
const DEPTH: usize = 200;

/// The recipe in force and its past.
#[derive(Debug)]
pub struct RecipeHistory {
    wanted: Recipe,
    initial: Recipe,
    undo: Vec<Recipe>,
    redo: Vec<Recipe>,
    last: Option<(&'static str, Instant)>,
}

impl RecipeHistory {
    /// Starts with a recipe and no past.
    pub fn new(recipe: Recipe) -> Self {
        Self { wanted: recipe.clone(), initial: recipe, undo: Vec::new(), redo: Vec::new(), last: None }
    }

    /// The recipe as the user has turned it.
    pub fn wanted(&self) -> &Recipe {
        &self.wanted
    }

    /// The recipe that knobs go back to on reset.
    pub fn initial(&self) -> &Recipe {
        &self.initial
    }

    /// Whether there is something to take back, and something to make again.
    pub fn can(&self) -> (bool, bool) {
        (!self.undo.is_empty(), !self.redo.is_empty())
    }

    /// Turns one knob at `now`; `false` when that changes nothing.
    ///
    /// # Errors
    /// [`RecipeError`] for a value outside the knob's range.
    pub fn turn(&mut self, key: &'static str, value: &Value, now: Instant) -> Result<bool, RecipeError> {
        let mut next = self.wanted.clone();
        next.set(key, value)?;
        if next == self.wanted {
            return Ok(false);
        }
        let same = self.last.is_some_and(|(last, at)| last == key && now.saturating_duration_since(at) < ONE_CHANGE);
        if !same {
            self.remember();
        }
        self.last = Some((key, now));
        self.redo.clear();
        self.wanted = next;
        Ok(true)
    }

    /// Puts another recipe in force; `false` when it is the same.
    pub fn replace(&mut self, recipe: Recipe) -> bool {
        if recipe == self.wanted {
            return false;
        }
        self.remember();
        self.last = None;
        self.redo.clear();
        self.wanted = recipe;
        true
    }

    /// Makes the recipe in force the one that knobs go back to on reset.
    pub fn rebase(&mut self) {
        self.initial = self.wanted.clone();
    }

    /// Takes the last change back; `false` when there is none.
    pub fn undo(&mut self) -> bool {
        let Some(before) = self.undo.pop() else { return false };
        self.redo.push(std::mem::replace(&mut self.wanted, before));
        self.last = None;
        true
    }

    /// Makes the change again that was taken back; `false` when there is none.
    pub fn redo(&mut self) -> bool {
        let Some(after) = self.redo.pop() else { return false };
        self.undo.push(std::mem::replace(&mut self.wanted, after));
        self.last = None;
        true
    }

    fn remember(&mut self) {
        if self.undo.len() == DEPTH {
            self.undo.remove(0);
        }
        self.undo.push(self.wanted.clone());
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::train::Preset;

    #[test]
    fn a_drag_is_one_change_and_two_knobs_are_two() {
        let mut desk = RecipeHistory::new(Preset::Laptop.recipe());
        let start = Instant::now();
        for k in 2..6 {
            assert!(desk.turn("train.k_g", &Value::Integer(k), start + Duration::from_millis(50 * k as u64)).unwrap());
        }
        desk.turn("train.k_d", &Value::Integer(3), start + Duration::from_millis(400)).unwrap();
        assert_eq!((desk.wanted().train.k_g, desk.wanted().train.k_d), (5, 3));
        assert!(desk.undo());
        assert_eq!((desk.wanted().train.k_g, desk.wanted().train.k_d), (5, 1));
        assert!(desk.undo());
        assert_eq!(desk.wanted(), desk.initial());
        assert!(!desk.undo());
        assert!(desk.redo() && desk.redo() && !desk.redo());
        assert_eq!((desk.wanted().train.k_g, desk.wanted().train.k_d), (5, 3));
    }

    #[test]
    fn a_change_after_an_undo_ends_the_redo() {
        let mut desk = RecipeHistory::new(Preset::Laptop.recipe());
        assert!(desk.replace(Preset::Talk2017.recipe()));
        assert!(!desk.replace(Preset::Talk2017.recipe()));
        desk.undo();
        desk.turn("train.k_g", &Value::Integer(4), Instant::now()).unwrap();
        assert_eq!(desk.can(), (true, false));
    }

    #[test]
    fn what_is_out_of_range_leaves_everything_as_it_is() {
        let mut desk = RecipeHistory::new(Preset::Laptop.recipe());
        assert!(desk.turn("train.k_g", &Value::Integer(99), Instant::now()).is_err());
        assert!(!desk.turn("train.k_g", &Value::Integer(1), Instant::now()).unwrap());
        assert_eq!(desk.can(), (false, false));
    }
}
