//! The window as its users meet it: every workspace over a real engine, drawn by kittest without a display.

#![allow(clippy::unwrap_used, clippy::panic)] // a test fails by panicking
#![allow(clippy::disallowed_methods)] // tests put files in folders of their own, where half a file is wanted now and then

mod compatibility;
mod critic;
mod evaluate;
mod harness;
mod inspect;
mod inspected;
mod pages;
mod parts;
mod presentation;
mod review;
