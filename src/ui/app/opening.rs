//! Opening the window.

use std::{path::PathBuf, sync::Arc};

use anyhow::anyhow;
use egui::{IconData, ViewportBuilder};
use wgpu::DeviceType;

use super::App;
use crate::{
    data::surface,
    device::DeviceChoice,
    engine::{Engine, Priority, Severity, inspection::ModelSource},
    format,
    paths::Paths,
    ui::{Settings, cpu_painter, repaint_pacing::RepaintPacing},
};

/// Minimum size of the window, points.
const MIN_SIZE: [f32; 2] = [1024.0, 640.0];

/// Options for opening the window.
#[derive(Debug, Default)]
pub(crate) struct WindowOptions {
    /// The device to train on; `None` for the one in the settings.
    pub device: Option<DeviceChoice>,
    /// The folder for runs; `None` for the one in the settings.
    pub runs: Option<PathBuf>,
    /// Images to present at once.
    pub show: Option<PresentationSet>,
}

/// Images to present, and the model to inspect them with.
#[derive(Debug)]
pub(crate) struct PresentationSet {
    /// The model.
    pub model: ModelSource,
    /// The images, in order of presentation.
    pub images: Vec<PathBuf>,
}

/// Opens the window; returns when it is closed.
///
/// # Errors
/// If no window can be opened, or the engine's threads cannot be started.
pub(crate) fn run(options: WindowOptions) -> anyhow::Result<()> {
    let paths = Paths::of_system();
    let (mut settings, fault) = Settings::load(&paths.settings);
    if settings.review.reviewer.is_empty() {
        settings.review.reviewer = format::user_name().unwrap_or_default();
    }
    // The last model must not replace one that cannot be opened.
    let last_model = options.show.as_ref().and_then(|_| settings.last_model.take());
    let viewport = ViewportBuilder::default()
        .with_title("Ganspect")
        .with_app_id("ganspect")
        .with_inner_size(settings.window)
        .with_min_inner_size(MIN_SIZE)
        .with_maximized(settings.maximised)
        .with_fullscreen(options.show.is_some())
        .with_icon(icon());
    let native = eframe::NativeOptions {
        viewport,
        renderer: eframe::Renderer::Wgpu,
        persist_window: false,
        centered: true,
        // Grey values are shown exactly.
        dithering: false,
        ..Default::default()
    };
    let device = options.device.unwrap_or(settings.device);
    let create: eframe::AppCreator<'_> = Box::new(move |cc| {
        let pacing = Arc::new(RepaintPacing::default());
        let software = cc.wgpu_render_state.as_ref().filter(|s| s.adapter.get_info().device_type == DeviceType::Cpu);
        pacing.set_software(software.is_some());
        if let Some(state) = software {
            cpu_painter::install(&cc.egui_ctx, state);
        }
        let (waker, ctx) = (Arc::clone(&pacing), cc.egui_ctx.clone());
        let engine = Engine::start_at(Priority::Low, device, move || waker.wake(&ctx))?;
        let mut app = App::new(&cc.egui_ctx, settings, engine, paths);
        app.runs_override = options.runs;
        app.pacing = pacing;
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
