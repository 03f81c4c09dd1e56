//! How large an image can be inspected at once, by the memory that is free.

use std::fs;

use super::InspectError;

/// Largest query, megapixels, whatever the memory.
const MAX_MEGAPIXELS: u64 = 64;

/// Smallest limit, megapixels: so much is always tried.
const MIN_MEGAPIXELS: u64 = 4;

/// Bytes that an inspection takes for each pixel at most: a fixed part, and a part for each channel.
const BYTES_PER_PIXEL: (u64, u64) = (50, 22);

/// Memory taken to be free where the system does not say.
const UNKNOWN_FREE: u64 = 8_000_000_000;

/// The largest image that can be inspected at once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FrameLimit {
    /// Most pixels of the image, as stored.
    pixels: u64,
    /// Free memory in bytes, if that is what limits the size.
    free: Option<u64>,
}

impl FrameLimit {
    /// The limit at present for a model with `channels` channels whose images are scaled by `scale`: 64 megapixels after
    /// scaling, or as many as three quarters of the free memory can hold.
    pub fn here(channels: usize, scale: f64) -> Self {
        Self::of(free_memory(), channels, scale)
    }

    fn of(free: u64, channels: usize, scale: f64) -> Self {
        let each = BYTES_PER_PIXEL.0 + BYTES_PER_PIXEL.1 * channels as u64;
        let by_memory = free / 4 * 3 / each;
        let scaled = by_memory.clamp(MIN_MEGAPIXELS * 1_000_000, MAX_MEGAPIXELS * 1_000_000);
        let stored = scaled as f64 / (scale * scale).clamp(1e-4, 1.0);
        Self { pixels: stored as u64, free: (by_memory < MAX_MEGAPIXELS * 1_000_000).then_some(free) }
    }

    /// Checks the size of an image as stored.
    ///
    /// # Errors
    /// [`InspectError::TooLarge`] for an image beyond the limit.
    pub fn check(&self, width: u64, height: u64) -> Result<(), InspectError> {
        let pixels = width.saturating_mul(height);
        if pixels <= self.pixels {
            return Ok(());
        }
        let megapixels = |n: u64| n as f64 / 1e6;
        let because = match self.free {
            Some(free) => format!(" with the {:.1} GB of memory that are free", free as f64 / 1e9),
            None => String::new(),
        };
        Err(InspectError::TooLarge { width, height, most: megapixels(self.pixels), because })
    }
}

/// Memory that this process may still take, in bytes.
fn free_memory() -> u64 {
    let system = fs::read_to_string("/proc/meminfo").ok().and_then(|text| available(&text));
    let number = |name: &str| fs::read_to_string(format!("/sys/fs/cgroup/{name}")).ok()?.trim().parse::<u64>().ok();
    // In a container, its own limit.
    let container = number("memory.max").zip(number("memory.current")).map(|(most, used)| most.saturating_sub(used));
    system.into_iter().chain(container).min().unwrap_or(UNKNOWN_FREE)
}

/// The available memory in the text of Linux's memory table, in bytes.
fn available(text: &str) -> Option<u64> {
    let line = text.lines().find_map(|line| line.strip_prefix("MemAvailable:"))?;
    Some(line.trim().strip_suffix("kB")?.trim().parse::<u64>().ok()? * 1_024)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_limit_follows_the_memory_and_the_scale() {
        let roomy = FrameLimit::of(64_000_000_000, 1, 1.0);
        assert!(roomy.check(8_000, 8_000).is_ok());
        let message = roomy.check(8_001, 8_000).unwrap_err().to_string();
        assert!(message.contains("8001 x 8000") && message.contains("at most 64.0 megapixels"), "{message}");
        let tight = FrameLimit::of(1_500_000_000, 1, 1.0);
        assert!(tight.check(3_900, 4_000).is_ok());
        let message = tight.check(4_000, 4_000).unwrap_err().to_string();
        assert!(message.contains("1.5 GB of memory that are free") && message.contains("close"), "{message}");
        // Three channels take more; an image that is reduced first may be larger.
        assert!(FrameLimit::of(1_500_000_000, 3, 1.0).check(3_900, 4_000).is_err());
        assert!(FrameLimit::of(1_500_000_000, 1, 0.5).check(7_800, 8_000).is_ok());
        assert!(FrameLimit::of(0, 3, 1.0).check(2_000, 2_000).is_ok());
    }

    #[test]
    fn the_memory_table_is_read() {
        assert_eq!(available("MemTotal: 9 kB\nMemAvailable:   21000 kB\n"), Some(21_504_000));
        assert_eq!(available("MemTotal: 9 kB\n"), None);
        assert!(free_memory() > 0);
    }
}
