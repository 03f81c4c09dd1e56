//! End-to-end tests of the window: every page over a real engine, drawn by kittest without a display.

#![allow(clippy::unwrap_used, clippy::panic)] // a test fails by panicking
#![allow(clippy::disallowed_methods)] // tests write to temporary folders, some of them incomplete files

mod anomalies;
mod colour;
mod compatibility;
mod critic;
mod evaluate;
mod harness;
mod inspect;
mod inspected;
mod keyboard;
mod layout;
mod missed;
mod pages;
mod parts;
mod presentation;
mod regions;
mod replaced;
mod review;
mod said;
mod typing;
