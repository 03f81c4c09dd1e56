//! Paints the window where there is no GPU.
//!
//! A rasteriser in software runs every branch of a pixel's program. egui's own program holds a second way
//! of filtering textures and a dither, which a GPU skips and a CPU pays for at every pixel. Here each
//! triangle gets the least program that will do: plain colour, or colour times texture. What is seen is
//! the same.

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

/// Puts this painter in the place of egui's own. Only for a surface without sRGB conversion, which is
/// the kind that egui prefers; on another nothing changes.
pub fn install(ctx: &Context, state: &RenderState) {
    if state.target_format.is_srgb() {
        return;
    }
    let kit = Kit::new(&state.device, state.target_format);
    state.renderer.write().callback_resources.insert(kit);
    ctx.add_plugin(Painter { renderer: Arc::clone(&state.renderer) });
}

/// Takes a frame's shapes and hands egui a single one in their place, which paints them all.
struct Painter {
    renderer: Arc<RwLock<Renderer>>,
}

impl Plugin for Painter {
    fn debug_name(&self) -> &'static str {
        "quick painter"
    }

    fn output_hook(&mut self, ctx: &Context, output: &mut FullOutput) {
        // The shapes of a pass that is thrown away are not painted.
        if output.shapes.iter().any(|s| matches!(s.shape, Shape::Callback(_))) || ctx.will_discard() {
            return;
        }
        let screen = ctx.viewport_rect();
        let primitives = ctx.tessellate(std::mem::take(&mut output.shapes), output.pixels_per_point);
        let picture = Picture::new(primitives, Arc::clone(&self.renderer));
        let shape = Shape::Callback(Callback::new_paint_callback(screen, picture));
        output.shapes.push(ClippedShape {
            clip_rect: screen,
            shape,
            transform_after_tessellation: egui::emath::TSTransform::IDENTITY,
        });
    }
}

/// Triangles that one program paints.
struct Run {
    clip: Rect,
    texture: TextureId,
    way: Way,
    indices: std::ops::Range<u32>,
}

/// The program that a triangle needs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Way {
    /// Colour that covers what lies below.
    Opaque,
    /// Colour that lets it shine through.
    Plain,
    /// Colour times texture.
    Textured,
}

/// A frame's triangles.
struct Picture {
    vertices: Vec<Vertex>,
    indices: Vec<u32>,
    runs: Vec<Run>,
    renderer: Arc<RwLock<Renderer>>,
}

impl Picture {
    fn new(primitives: Vec<ClippedPrimitive>, renderer: Arc<RwLock<Renderer>>) -> Self {
        let mut picture = Self { vertices: Vec::new(), indices: Vec::new(), runs: Vec::new(), renderer };
        for ClippedPrimitive { clip_rect, primitive } in primitives {
            let Primitive::Mesh(mesh) = primitive else { continue };
            let base = picture.vertices.len() as u32;
            picture.vertices.extend_from_slice(&mesh.vertices);
            for triangle in mesh.indices.chunks_exact(3) {
                let way = way(&mesh.vertices, mesh.texture_id, triangle);
                let start = picture.indices.len() as u32;
                picture.indices.extend(triangle.iter().map(|i| base + i));
                match picture.runs.last_mut() {
                    Some(run) if run.clip == clip_rect && run.texture == mesh.texture_id && run.way == way => {
                        run.indices.end += 3;
                    }
                    _ => picture.runs.push(Run {
                        clip: clip_rect,
                        texture: mesh.texture_id,
                        way,
                        indices: start..start + 3,
                    }),
                }
            }
        }
        picture
    }
}

fn way(vertices: &[Vertex], texture: TextureId, triangle: &[u32]) -> Way {
    let mut way = Way::Opaque;
    for corner in triangle.iter().filter_map(|i| vertices.get(*i as usize)) {
        if corner.uv != WHITE_UV || texture != TextureId::default() {
            return Way::Textured;
        }
        if corner.color.a() != u8::MAX {
            way = Way::Plain;
        }
    }
    way
}

impl CallbackTrait for Picture {
    fn prepare(
        &self,
        device: &wgpu::Device,
        queue: &wgpu::Queue,
        screen: &ScreenDescriptor,
        _: &mut wgpu::CommandEncoder,
        resources: &mut CallbackResources,
    ) -> Vec<wgpu::CommandBuffer> {
        if let Some(kit) = resources.get_mut::<Kit>() {
            let points = screen.size_in_pixels.map(|v| v as f32 / screen.pixels_per_point);
            queue.write_buffer(&kit.screen, 0, bytemuck::bytes_of(&[points[0], points[1], 0.0, 0.0]));
            fill(device, queue, &mut kit.vertices, bytemuck::cast_slice(&self.vertices));
            fill(device, queue, &mut kit.indices, bytemuck::cast_slice(&self.indices));
        }
        Vec::new()
    }

    fn paint(&self, info: PaintCallbackInfo, pass: &mut wgpu::RenderPass<'static>, resources: &CallbackResources) {
        let Some(kit) = resources.get::<Kit>().filter(|_| !self.indices.is_empty()) else { return };
        let renderer = self.renderer.read();
        let [width, height] = info.screen_size_px;
        pass.set_viewport(0.0, 0.0, width as f32, height as f32, 0.0, 1.0);
        pass.set_vertex_buffer(0, kit.vertices.slice(..));
        pass.set_index_buffer(kit.indices.slice(..), wgpu::IndexFormat::Uint32);
        let (mut way, mut texture, mut clip) = (None, None, None);
        for run in &self.runs {
            let edge = |v: f32, most: u32| ((v * info.pixels_per_point).round() as u32).min(most);
            let (left, top) = (edge(run.clip.min.x, width), edge(run.clip.min.y, height));
            let (right, bottom) = (edge(run.clip.max.x, width), edge(run.clip.max.y, height));
            if right <= left || bottom <= top {
                continue;
            }
            if clip.replace(run.clip) != Some(run.clip) {
                pass.set_scissor_rect(left, top, right - left, bottom - top);
            }
            if way.replace(run.way) != Some(run.way) {
                pass.set_pipeline(kit.pipeline(run.way));
                pass.set_bind_group(0, &kit.screen_group, &[]);
                texture = None;
            }
            if run.way == Way::Textured {
                let Some(found) = renderer.texture(&run.texture) else { continue };
                if texture.replace(run.texture) != Some(run.texture) {
                    pass.set_bind_group(1, &found.bind_group, &[]);
                }
            }
            pass.draw_indexed(run.indices.clone(), 0, 0..1);
        }
    }
}

/// Writes `bytes` into `buffer`, which is replaced where it is too small.
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

/// What stays from frame to frame.
struct Kit {
    opaque: wgpu::RenderPipeline,
    plain: wgpu::RenderPipeline,
    textured: wgpu::RenderPipeline,
    screen: wgpu::Buffer,
    screen_group: wgpu::BindGroup,
    vertices: wgpu::Buffer,
    indices: wgpu::Buffer,
}

impl Kit {
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
        // The same as egui's, whose groups are bound here.
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
            label: Some("quick painter"),
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

    fn pipeline(&self, way: Way) -> &wgpu::RenderPipeline {
        match way {
            Way::Opaque => &self.opaque,
            Way::Plain => &self.plain,
            Way::Textured => &self.textured,
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
        assert_eq!(way(&solid, font, &[0, 1, 2]), Way::Opaque);
        let edge = [solid[0], solid[1], corner(WHITE_UV, Color32::TRANSPARENT)];
        assert_eq!(way(&edge, font, &[0, 1, 2]), Way::Plain);
        assert_eq!(way(&[corner(glyph, Color32::GRAY); 3], font, &[0, 1, 2]), Way::Textured);
        // The corner of a picture has the same coordinates as the font's white pixel.
        assert_eq!(way(&solid, TextureId::Managed(7), &[0, 1, 2]), Way::Textured);
    }
}
