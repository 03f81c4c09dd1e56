//! How the window opens.

use std::{path::PathBuf, sync::Arc};

use anyhow::anyhow;
use egui::{IconData, ViewportBuilder};
use wgpu::DeviceType;

use super::App;
use crate::{
    data::surface,
    device::DeviceChoice,
    engine::{Engine, Severity, inspection::ModelSource},
    format,
    paths::Paths,
    ui::{Settings, cpu_painter, repaint_pacing::RepaintPacing},
};

/// Smallest window, points.
const LEAST: [f32; 2] = [1024.0, 640.0];

/// How the window is to open.
#[derive(Debug, Default)]
pub struct WindowOptions {
    /// The device to train on; `None` takes the one in the settings.
    pub device: Option<DeviceChoice>,
    /// Where runs are kept; `None` takes the folder in the settings.
    pub runs: Option<PathBuf>,
    /// What is to be shown to an audience at once.
    pub show: Option<PresentationSet>,
}

/// Images for an audience, and the model that they are inspected with.
#[derive(Debug)]
pub struct PresentationSet {
    /// The model.
    pub model: ModelSource,
    /// The images, in their order.
    pub images: Vec<PathBuf>,
}

/// Opens the window and returns when it is closed.
///
/// # Errors
/// When no window can be opened, or the system has no thread for the engine.
pub fn run(options: WindowOptions) -> anyhow::Result<()> {
    let paths = Paths::of_system();
    let (mut settings, fault) = Settings::load(&paths.settings);
    if settings.review.reviewer.is_empty() {
        settings.review.reviewer = format::user_name().unwrap_or_default();
    }
    // The model of the last time is not to stand in for one that cannot be opened.
    let last_model = options.show.as_ref().and_then(|_| settings.last_model.take());
    let viewport = ViewportBuilder::default()
        .with_title("Ganspect")
        .with_app_id("ganspect")
        .with_inner_size(settings.window)
        .with_min_inner_size(LEAST)
        .with_maximized(settings.maximised)
        .with_fullscreen(options.show.is_some())
        .with_icon(icon());
    let native = eframe::NativeOptions {
        viewport,
        renderer: eframe::Renderer::Wgpu,
        persist_window: false,
        centered: true,
        // Pictures are shown grey for grey.
        dithering: false,
        ..Default::default()
    };
    let device = options.device.unwrap_or(settings.device);
    let create: eframe::AppCreator<'_> = Box::new(move |cc| {
        let pace = Arc::new(RepaintPacing::default());
        let software = cc.wgpu_render_state.as_ref().filter(|s| s.adapter.get_info().device_type == DeviceType::Cpu);
        pace.set_software(software.is_some());
        if let Some(state) = software {
            cpu_painter::install(&cc.egui_ctx, state);
        }
        let (waker, ctx) = (Arc::clone(&pace), cc.egui_ctx.clone());
        let engine = Engine::start(device, move || waker.wake(&ctx))?;
        let mut app = App::new(&cc.egui_ctx, settings, engine, paths);
        app.runs_given = options.runs;
        app.pace = pace;
        app.applied = None;
        if let Some(fault) = fault {
            app.notices.push(Severity::Warning, fault);
        }
        if let Some(show) = options.show {
            app.settings.last_model = last_model;
            app.show_images(show.model, show.images);
        }
        Ok(Box::new(app))
    });
    eframe::run_native("Ganspect", native, create).map_err(|error| {
        anyhow!(
            "cannot open a window: {error}; check that a display is there and that a Vulkan driver is installed \
             (mesa-vulkan-drivers is enough), or train without a window with `ganspect train`"
        )
    })
}

/// The window's icon: a machined surface with rounded corners.
fn icon() -> IconData {
    const SIDE: usize = 64;
    const RADIUS: f32 = 12.0;
    let picture = surface::draw(surface::SurfaceKind::Milled, None, 1, 0, SIDE).picture;
    let beyond = |v: usize| {
        let v = v as f32 + 0.5;
        (RADIUS - v).max(v - (SIDE as f32 - RADIUS)).max(0.0)
    };
    let mut rgba = Vec::with_capacity(SIDE * SIDE * 4);
    for y in 0..SIDE {
        for x in 0..SIDE {
            let grey = ((picture.unit(x, y, 0) + 1.0) * 127.5) as u8;
            let outside = beyond(x).hypot(beyond(y)) - RADIUS;
            let alpha = ((0.5 - outside).clamp(0.0, 1.0) * 255.0) as u8;
            rgba.extend([grey, grey, grey, alpha]);
        }
    }
    IconData { rgba, width: SIDE as u32, height: SIDE as u32 }
}
