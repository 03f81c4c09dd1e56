//! A faster painter for windows without a GPU.
//!
//! A software rasteriser evaluates every branch of a fragment shader. egui's shader contains a second texture filter and
//! dithering, which cost a CPU time at every pixel. This painter chooses the cheapest shader for each triangle: plain
//! colour, or colour times texture. The result is identical.

use std::{num::NonZeroU64, sync::Arc};

use eframe::egui_wgpu::{Callback, CallbackResources, CallbackTrait, RenderState, Renderer, ScreenDescriptor};
use egui::{
    ClippedPrimitive, Context, FullOutput, PaintCallbackInfo, Plugin, Rect, Shape, TextureId,
    epaint::{ClippedShape, Primitive, Vertex, WHITE_UV, mutex::RwLock},
};
use wgpu::util::DeviceExt;

const SHADER: &str = "
struct Screen { points: vec2<f32>, _a: u32, _b: u32 };
struct Corner { @builtin(position) at: vec4<f32>, @location(0) uv: vec2<f32>, @location(1) colour: vec4<f32> };
@group(0) @binding(0) var<uniform> screen: Screen;
@group(1) @binding(0) var picture: texture_2d<f32>;
@group(1) @binding(1) var filtered: sampler;
@vertex
fn corner(@location(0) at: vec2<f32>, @location(1) uv: vec2<f32>, @location(2) colour: vec4<f32>) -> Corner {
    let x = 2.0 * at.x / screen.points.x - 1.0;
    let y = 1.0 - 2.0 * at.y / screen.points.y;
    return Corner(vec4<f32>(x, y, 0.0, 1.0), uv, colour);
}
@fragment
fn plain(in: Corner) -> @location(0) vec4<f32> { return in.colour; }
@fragment
fn textured(in: Corner) -> @location(0) vec4<f32> { return in.colour * textureSample(picture, filtered, in.uv); }
";

/// Replaces egui's painter, if the surface does without sRGB conversion, which egui prefers.
pub(crate) fn install(ctx: &Context, state: &RenderState) {
    if state.target_format.is_srgb() {
        return;
    }
    let resources = Resources::new(&state.device, state.target_format);
    state.renderer.write().callback_resources.insert(resources);
    ctx.add_plugin(Painter { renderer: Arc::clone(&state.renderer) });
}

/// Replaces the shapes of a frame by a single paint callback that draws them all.
struct Painter {
    renderer: Arc<RwLock<Renderer>>,
}

impl Plugin for Painter {
    fn debug_name(&self) -> &'static str {
        "CPU painter"
    }

    fn output_hook(&mut self, ctx: &Context, output: &mut FullOutput) {
        // The shapes of a discarded pass are not painted.
        if output.shapes.iter().any(|s| matches!(s.shape, Shape::Callback(_))) || ctx.will_discard() {
            return;
        }
        let screen = ctx.viewport_rect();
        let primitives = ctx.tessellate(std::mem::take(&mut output.shapes), output.pixels_per_point);
        let mesh = FrameMesh::new(primitives, Arc::clone(&self.renderer));
        let shape = Shape::Callback(Callback::new_paint_callback(screen, mesh));
        output.shapes.push(ClippedShape {
            clip_rect: screen,
            shape,
            transform_after_tessellation: egui::emath::TSTransform::IDENTITY,
        });
    }
}

/// A range of triangles with one pipeline, texture and clip rectangle.
struct DrawCall {
    clip: Rect,
    texture: TextureId,
    pipeline: Pipeline,
    indices: std::ops::Range<u32>,
}

/// The pipeline that a triangle needs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Pipeline {
    /// Opaque colour, without blending.
    Opaque,
    /// Translucent colour.
    Plain,
    /// Colour times texture.
    Textured,
}

/// The triangles of a frame.
struct FrameMesh {
    vertices: Vec<Vertex>,
    indices: Vec<u32>,
    calls: Vec<DrawCall>,
    renderer: Arc<RwLock<Renderer>>,
}

impl FrameMesh {
    fn new(primitives: Vec<ClippedPrimitive>, renderer: Arc<RwLock<Renderer>>) -> Self {
        let mut frame = Self { vertices: Vec::new(), indices: Vec::new(), calls: Vec::new(), renderer };
        for ClippedPrimitive { clip_rect, primitive } in primitives {
            let Primitive::Mesh(mesh) = primitive else { continue };
            let base = frame.vertices.len() as u32;
            frame.vertices.extend_from_slice(&mesh.vertices);
            for triangle in mesh.indices.chunks_exact(3) {
                let pipeline = pipeline_for(&mesh.vertices, mesh.texture_id, triangle);
                let start = frame.indices.len() as u32;
                frame.indices.extend(triangle.iter().map(|i| base + i));
                match frame.calls.last_mut() {
                    Some(call)
                        if call.clip == clip_rect && call.texture == mesh.texture_id && call.pipeline == pipeline =>
                    {
                        call.indices.end += 3;
                    }
                    _ => frame.calls.push(DrawCall {
                        clip: clip_rect,
                        texture: mesh.texture_id,
                        pipeline,
                        indices: start..start + 3,
                    }),
                }
            }
        }
        frame
    }
}

/// The cheapest pipeline for a triangle.
fn pipeline_for(vertices: &[Vertex], texture: TextureId, triangle: &[u32]) -> Pipeline {
    let mut pipeline = Pipeline::Opaque;
    for corner in triangle.iter().filter_map(|i| vertices.get(*i as usize)) {
        if corner.uv != WHITE_UV || texture != TextureId::default() {
            return Pipeline::Textured;
        }
        if corner.color.a() != u8::MAX {
            pipeline = Pipeline::Plain;
        }
    }
    pipeline
}

impl CallbackTrait for FrameMesh {
    fn prepare(
        &self,
        device: &wgpu::Device,
        queue: &wgpu::Queue,
        screen: &ScreenDescriptor,
        _: &mut wgpu::CommandEncoder,
        resources: &mut CallbackResources,
    ) -> Vec<wgpu::CommandBuffer> {
        if let Some(resources) = resources.get_mut::<Resources>() {
            let points = screen.size_in_pixels.map(|v| v as f32 / screen.pixels_per_point);
            queue.write_buffer(&resources.screen, 0, bytemuck::bytes_of(&[points[0], points[1], 0.0, 0.0]));
            fill(device, queue, &mut resources.vertices, bytemuck::cast_slice(&self.vertices));
            fill(device, queue, &mut resources.indices, bytemuck::cast_slice(&self.indices));
        }
        Vec::new()
    }

    fn paint(&self, info: PaintCallbackInfo, pass: &mut wgpu::RenderPass<'static>, resources: &CallbackResources) {
        let Some(resources) = resources.get::<Resources>().filter(|_| !self.indices.is_empty()) else { return };
        let renderer = self.renderer.read();
        let [width, height] = info.screen_size_px;
        pass.set_viewport(0.0, 0.0, width as f32, height as f32, 0.0, 1.0);
        pass.set_vertex_buffer(0, resources.vertices.slice(..));
        pass.set_index_buffer(resources.indices.slice(..), wgpu::IndexFormat::Uint32);
        let (mut pipeline, mut texture, mut clip) = (None, None, None);
        for call in &self.calls {
            let edge = |v: f32, most: u32| ((v * info.pixels_per_point).round() as u32).min(most);
            let (left, top) = (edge(call.clip.min.x, width), edge(call.clip.min.y, height));
            let (right, bottom) = (edge(call.clip.max.x, width), edge(call.clip.max.y, height));
            if right <= left || bottom <= top {
                continue;
            }
            if clip.replace(call.clip) != Some(call.clip) {
                pass.set_scissor_rect(left, top, right - left, bottom - top);
            }
            if pipeline.replace(call.pipeline) != Some(call.pipeline) {
                pass.set_pipeline(resources.pipeline(call.pipeline));
                pass.set_bind_group(0, &resources.screen_group, &[]);
                texture = None;
            }
            if call.pipeline == Pipeline::Textured {
                let Some(found) = renderer.texture(&call.texture) else { continue };
                if texture.replace(call.texture) != Some(call.texture) {
                    pass.set_bind_group(1, &found.bind_group, &[]);
                }
            }
            pass.draw_indexed(call.indices.clone(), 0, 0..1);
        }
    }
}

/// Writes `bytes` to `buffer`, which is replaced if it is too small.
fn fill(device: &wgpu::Device, queue: &wgpu::Queue, buffer: &mut wgpu::Buffer, bytes: &[u8]) {
    let needed = bytes.len() as u64;
    if needed > buffer.size() {
        let descriptor = wgpu::BufferDescriptor {
            label: None,
            size: needed.next_power_of_two(),
            usage: buffer.usage(),
            mapped_at_creation: false,
        };
        *buffer = device.create_buffer(&descriptor);
    }
    queue.write_buffer(buffer, 0, bytes);
}

/// GPU resources that are kept between frames.
struct Resources {
    opaque: wgpu::RenderPipeline,
    plain: wgpu::RenderPipeline,
    textured: wgpu::RenderPipeline,
    screen: wgpu::Buffer,
    screen_group: wgpu::BindGroup,
    vertices: wgpu::Buffer,
    indices: wgpu::Buffer,
}

impl Resources {
    fn new(device: &wgpu::Device, format: wgpu::TextureFormat) -> Self {
        use wgpu::{BindGroupLayoutEntry, BindingType, ShaderStages};
        let entry = |binding, visibility, ty| BindGroupLayoutEntry { binding, visibility, ty, count: None };
        let uniform = || BindingType::Buffer {
            ty: wgpu::BufferBindingType::Uniform,
            has_dynamic_offset: false,
            min_binding_size: NonZeroU64::new(16),
        };
        let layout = |entries: &[BindGroupLayoutEntry]| {
            device.create_bind_group_layout(&wgpu::BindGroupLayoutDescriptor { label: None, entries })
        };
        let screen_layout = layout(&[entry(0, ShaderStages::VERTEX, uniform())]);
        // The same layout as egui's, whose bind groups are used here.
        let texture_layout = layout(&[
            entry(
                0,
                ShaderStages::FRAGMENT,
                BindingType::Texture {
                    multisampled: false,
                    sample_type: wgpu::TextureSampleType::Float { filterable: true },
                    view_dimension: wgpu::TextureViewDimension::D2,
                },
            ),
            entry(1, ShaderStages::FRAGMENT, BindingType::Sampler(wgpu::SamplerBindingType::Filtering)),
            entry(2, ShaderStages::FRAGMENT, uniform()),
        ]);
        let screen = device.create_buffer_init(&wgpu::util::BufferInitDescriptor {
            label: None,
            contents: &[0; 16],
            usage: wgpu::BufferUsages::UNIFORM | wgpu::BufferUsages::COPY_DST,
        });
        let screen_group = device.create_bind_group(&wgpu::BindGroupDescriptor {
            label: None,
            layout: &screen_layout,
            entries: &[wgpu::BindGroupEntry { binding: 0, resource: screen.as_entire_binding() }],
        });
        let module = device.create_shader_module(wgpu::ShaderModuleDescriptor {
            label: Some("CPU painter"),
            source: wgpu::ShaderSource::Wgsl(SHADER.into()),
        });
        let layout = |bind_group_layouts: &[Option<&wgpu::BindGroupLayout>]| {
            device.create_pipeline_layout(&wgpu::PipelineLayoutDescriptor {
                label: None,
                bind_group_layouts,
                immediate_size: 0,
            })
        };
        let without = layout(&[Some(&screen_layout)]);
        let with = layout(&[Some(&screen_layout), Some(&texture_layout)]);
        let blend = wgpu::BlendState::PREMULTIPLIED_ALPHA_BLENDING;
        let pipeline = |entry_point, layout, blend| {
            device.create_render_pipeline(&wgpu::RenderPipelineDescriptor {
                label: Some(entry_point),
                layout: Some(layout),
                vertex: wgpu::VertexState {
                    module: &module,
                    entry_point: Some("corner"),
                    compilation_options: wgpu::PipelineCompilationOptions::default(),
                    buffers: &[Some(wgpu::VertexBufferLayout {
                        array_stride: size_of::<Vertex>() as u64,
                        step_mode: wgpu::VertexStepMode::Vertex,
                        attributes: &wgpu::vertex_attr_array![0 => Float32x2, 1 => Float32x2, 2 => Unorm8x4],
                    })],
                },
                primitive: wgpu::PrimitiveState::default(),
                depth_stencil: None,
                multisample: wgpu::MultisampleState::default(),
                fragment: Some(wgpu::FragmentState {
                    module: &module,
                    entry_point: Some(entry_point),
                    compilation_options: wgpu::PipelineCompilationOptions::default(),
                    targets: &[Some(wgpu::ColorTargetState { format, blend, write_mask: wgpu::ColorWrites::ALL })],
                }),
                multiview_mask: None,
                cache: None,
            })
        };
        let buffer = |usage| {
            let usage = usage | wgpu::BufferUsages::COPY_DST;
            device.create_buffer(&wgpu::BufferDescriptor {
                label: None,
                size: 1 << 16,
                usage,
                mapped_at_creation: false,
            })
        };
        Self {
            opaque: pipeline("plain", &without, None),
            plain: pipeline("plain", &without, Some(blend)),
            textured: pipeline("textured", &with, Some(blend)),
            vertices: buffer(wgpu::BufferUsages::VERTEX),
            indices: buffer(wgpu::BufferUsages::INDEX),
            screen,
            screen_group,
        }
    }

    fn pipeline(&self, pipeline: Pipeline) -> &wgpu::RenderPipeline {
        match pipeline {
            Pipeline::Opaque => &self.opaque,
            Pipeline::Plain => &self.plain,
            Pipeline::Textured => &self.textured,
        }
    }
}

#[cfg(test)]
mod tests {
    use egui::{Color32, pos2};

    use super::*;

    #[test]
    fn each_triangle_gets_the_least_program_that_will_do() {
        let corner = |uv, color| Vertex { pos: pos2(0.0, 0.0), uv, color };
        let (font, glyph) = (TextureId::default(), pos2(0.3, 0.3));
        let solid = [corner(WHITE_UV, Color32::GRAY); 3];
        assert_eq!(pipeline_for(&solid, font, &[0, 1, 2]), Pipeline::Opaque);
        let edge = [solid[0], solid[1], corner(WHITE_UV, Color32::TRANSPARENT)];
        assert_eq!(pipeline_for(&edge, font, &[0, 1, 2]), Pipeline::Plain);
        assert_eq!(pipeline_for(&[corner(glyph, Color32::GRAY); 3], font, &[0, 1, 2]), Pipeline::Textured);
        // The corner of an image has the same coordinates as the white pixel of the font.
        assert_eq!(pipeline_for(&solid, TextureId::Managed(7), &[0, 1, 2]), Pipeline::Textured);
    }
}
