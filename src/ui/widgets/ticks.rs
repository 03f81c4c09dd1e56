//! Axis ticks, their labels, and the formatting of numbers.

pub(crate) use crate::time::{clock, span};

/// The scale of an axis.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Scale {
    /// Linear.
    Linear,
    /// Logarithmic: positions are base-10 logarithms, labels show the numbers.
    Log,
    /// Fractions, labelled in percent.
    Percent,
    /// Seconds since the start of the run.
    Duration,
    /// Seconds since the Unix epoch, labelled as time of day (UTC).
    Clock,
}

/// One tick: its position on the axis and its label.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Tick {
    /// Position on the axis.
    pub place: f64,
    /// Label; empty for a line without one.
    pub label: String,
}

/// Ticks between `low` and `high`, about `most` labelled ones at most.
pub(crate) fn ticks(scale: Scale, low: f64, high: f64, most: usize) -> Vec<Tick> {
    // NaN, or an empty axis.
    if !(low.is_finite() && high.is_finite() && high > low) {
        return Vec::new();
    }
    match scale {
        Scale::Linear => multiples(low, high, nice_step((high - low) / most as f64), number),
        Scale::Percent => multiples(low, high, nice_step((high - low) / most as f64), |value, step| {
            format!("{} %", number(value * 100.0, step * 100.0))
        }),
        Scale::Duration => multiples(low, high, time_step((high - low) / most as f64), duration),
        Scale::Clock => {
            multiples(low, high, time_step((high - low) / most as f64), |value, step| clock(value, step < 60.0))
        }
        Scale::Log => log_ticks(low, high, most),
    }
}

fn multiples(low: f64, high: f64, step: f64, label: impl Fn(f64, f64) -> String) -> Vec<Tick> {
    let first = (low / step).ceil();
    let count = ((high / step).floor() - first + 1.0).clamp(0.0, 100.0) as usize;
    (0..count)
        .map(|i| {
            // A product rather than a running sum, which would accumulate errors; "+ 0.0" turns -0 into 0.
            let place = (first + i as f64) * step + 0.0;
            Tick { place, label: label(place, step) }
        })
        .collect()
}

fn log_ticks(low: f64, high: f64, most: usize) -> Vec<Tick> {
    let decades = (high.floor() - low.ceil()).max(-1.0) as i64 + 1;
    if decades < 2 {
        // Within about a decade, the round numbers of a linear axis are more useful than powers of ten.
        let (from, to) = (10_f64.powf(low), 10_f64.powf(high));
        if from > 0.0 && to.is_finite() && to / from < 30.0 {
            let mut step = nice_step((to - from) / most as f64);
            if to / from > 4.0 {
                step /= 2.0;
            }
            let mut ticks = multiples(from, to, step, number);
            ticks.retain(|t| t.place > 0.0);
            let mut last = f64::NEG_INFINITY;
            for tick in &mut ticks {
                tick.place = tick.place.log10();
                // Near the upper end, equal steps are close together: lines stay, labels are dropped.
                if tick.place - last < 0.7 * (high - low) / most as f64 {
                    tick.label.clear();
                } else {
                    last = tick.place;
                }
            }
            return ticks;
        }
    }
    let every = (decades as f64 / most as f64).ceil().max(1.0) as i64;
    let mut out = Vec::new();
    for exponent in low.floor() as i64..=high.ceil() as i64 {
        let labelled = exponent.rem_euclid(every) == 0;
        for (factor, wanted) in [
            (1.0_f64, true),
            (2.0, every == 1 && decades * 3 <= most as i64),
            (5.0, every == 1 && decades * 3 <= most as i64),
        ] {
            let place = exponent as f64 + factor.log10();
            if wanted && labelled && (low..=high).contains(&place) {
                out.push(Tick { place, label: power(factor, exponent) });
            }
        }
    }
    out
}

/// Formats `factor` times ten to the `exponent`, in full if it is short.
fn power(factor: f64, exponent: i64) -> String {
    match exponent {
        -3..=-1 => format!("{:.*}", -exponent as usize, factor * 10_f64.powi(exponent as i32)),
        0..=4 => grouped(factor * 10_f64.powi(exponent as i32), 0),
        _ => format!("{factor:.0}e{exponent}"),
    }
}

/// The smallest 1, 2 or 5 times a power of ten that is at least `least`.
pub(crate) fn nice_step(least: f64) -> f64 {
    let power = 10_f64.powf(least.log10().floor());
    let factor = [1.0, 2.0, 5.0].into_iter().find(|f| f * power >= least * (1.0 - 1e-9)).unwrap_or(10.0);
    factor * power
}

/// The smallest common time step of at least `least` seconds.
fn time_step(least: f64) -> f64 {
    const STEPS: [f64; 17] = [
        1.0, 2.0, 5.0, 10.0, 15.0, 30.0, 60.0, 120.0, 300.0, 600.0, 900.0, 1800.0, 3600.0, 7200.0, 10_800.0, 21_600.0,
        43_200.0,
    ];
    if least < 1.0 {
        return nice_step(least);
    }
    STEPS.into_iter().find(|s| *s >= least).unwrap_or_else(|| nice_step(least / 86_400.0).max(1.0) * 86_400.0)
}

/// Formats a tick's number with the decimals of its step.
fn number(value: f64, step: f64) -> String {
    if value != 0.0 && (value.abs() >= 1e7 || step < 1e-4) {
        let text = format!("{value:.1e}");
        return text.replace(".0e", "e");
    }
    grouped(value, (-step.log10()).ceil().clamp(0.0, 4.0) as usize)
}

/// Formats a number with commas between thousands.
pub(crate) fn grouped(value: f64, decimals: usize) -> String {
    let text = format!("{:.decimals$}", value.abs());
    let (whole, rest) = text.split_at(text.find('.').unwrap_or(text.len()));
    let mut out = String::new();
    if value < 0.0 && text.bytes().any(|b| (b'1'..=b'9').contains(&b)) {
        out.push('-');
    }
    for (i, digit) in whole.chars().enumerate() {
        if i > 0 && (whole.len() - i) % 3 == 0 {
            out.push(',');
        }
        out.push(digit);
    }
    out + rest
}

/// Formats seconds since the start of the run: "45 s", "2:30", "1:02:30".
fn duration(seconds: f64, step: f64) -> String {
    if step < 1.0 {
        return format!("{} s", number(seconds, step));
    }
    let whole = seconds.abs().round() as u64;
    let (h, m, s) = (whole / 3600, whole / 60 % 60, whole % 60);
    let sign = if seconds < 0.0 && whole > 0 { "-" } else { "" };
    match h {
        0 => format!("{sign}{m}:{s:02}"),
        _ if step >= 60.0 => format!("{sign}{h}h{m:02}"),
        _ => format!("{sign}{h}:{m:02}:{s:02}"),
    }
}

/// Formats a number with at most four significant digits; a dash if it is unknown.
pub(crate) fn figure(value: Option<f32>) -> String {
    match value.map(f64::from).filter(|v| v.is_finite()) {
        None => "–".into(),
        Some(0.0) => "0".into(),
        Some(v) if v.abs() >= 1e6 || v.abs() < 1e-4 => format!("{v:.2e}"),
        Some(v) if v.abs() >= 1000.0 => grouped(v, 0),
        Some(v) if v.abs() >= 100.0 => format!("{v:.1}"),
        Some(v) if v.abs() >= 10.0 => format!("{v:.2}"),
        Some(v) => format!("{v:.3}"),
    }
}

/// Extends an axis to round numbers, so that it stays still under small changes of the data.
pub(crate) fn rounded(low: f64, high: f64) -> (f64, f64) {
    let step = nice_step(((high - low) / 8.0).max(1e-9));
    ((low / step).floor() * step, (high / step).ceil() * step)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn labels(scale: Scale, low: f64, high: f64, most: usize) -> Vec<String> {
        ticks(scale, low, high, most).into_iter().map(|t| t.label).filter(|l| !l.is_empty()).collect()
    }

    #[test]
    fn linear_ticks_are_round_and_evenly_written() {
        assert_eq!(labels(Scale::Linear, 0.0, 2.1, 5), ["0.0", "0.5", "1.0", "1.5", "2.0"]);
        assert_eq!(labels(Scale::Linear, -0.3, 0.3, 4), ["-0.2", "0.0", "0.2"]);
        assert_eq!(labels(Scale::Linear, 0.0, 200_000.0, 4), ["0", "50,000", "100,000", "150,000", "200,000"]);
        assert_eq!(labels(Scale::Percent, 0.0, 1.0, 4), ["0 %", "50 %", "100 %"]);
    }

    #[test]
    fn an_axis_without_extent_has_no_ticks() {
        assert!(ticks(Scale::Linear, 1.0, 1.0, 5).is_empty());
        assert!(ticks(Scale::Log, f64::NAN, 1.0, 5).is_empty());
        assert!(ticks(Scale::Duration, 0.0, f64::INFINITY, 5).is_empty());
    }

    #[test]
    fn log_ticks_stand_at_powers_of_ten_and_show_the_numbers() {
        let wide = ticks(Scale::Log, -3.0, 2.0, 6);
        assert_eq!(
            wide.iter().map(|t| t.label.as_str()).collect::<Vec<_>>(),
            ["0.001", "0.01", "0.1", "1", "10", "100"]
        );
        assert!(wide.iter().enumerate().all(|(i, t)| (t.place - (i as f64 - 3.0)).abs() < 1e-9));
        assert_eq!(labels(Scale::Log, -8.0, 4.0, 4), ["1e-8", "1e-4", "1", "10,000"]);
    }

    #[test]
    fn a_log_axis_within_a_decade_shows_round_numbers_at_their_logarithms() {
        let narrow = ticks(Scale::Log, 0.5_f64.log10(), 1.6_f64.log10(), 4);
        assert!(narrow.len() >= 2 && narrow.len() <= 8);
        for tick in narrow.iter().filter(|t| !t.label.is_empty()) {
            let value: f64 = tick.label.parse().unwrap();
            assert!((tick.place - value.log10()).abs() < 1e-9, "{tick:?}");
        }
    }

    #[test]
    fn time_is_told_as_a_clock_does() {
        assert_eq!(labels(Scale::Duration, 0.0, 200.0, 4), ["0:00", "1:00", "2:00", "3:00"]);
        assert_eq!(labels(Scale::Duration, 0.0, 8000.0, 3), ["0:00", "1h00", "2h00"]);
        assert_eq!(clock(86_400.0 * 3.0 + 3661.0, true), "01:01:01");
        assert_eq!(span(149.2), "2 min 29 s");
        assert_eq!(span(3_900.0), "1 h 05 min");
    }

    #[test]
    fn figures_are_short_and_a_missing_one_is_a_dash() {
        assert_eq!(figure(None), "–");
        assert_eq!(figure(Some(f32::NAN)), "–");
        assert_eq!(figure(Some(0.6543)), "0.654");
        assert_eq!(figure(Some(12.345)), "12.35");
        assert_eq!(figure(Some(12_345.6)), "12,346");
        assert_eq!(figure(Some(3.2e-6)), "3.20e-6");
        assert_eq!(grouped(-1234.5, 1), "-1,234.5");
        assert_eq!(grouped(-0.0, 1), "0.0");
    }
}
