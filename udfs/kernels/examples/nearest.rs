//! How long the nearest of many vectors take beside one plain pass over the same memory.
//!
//! ```text
//! nearest [rows=1000000] [dims=107] [k=20] [repeat=9]
//! ```
//!
//! The plain pass sums all values. Passes take turns, so that what else the machine does meets all of them; printed are medians,
//! and the ratio to the plain pass on as many threads.

use std::hint::black_box;
use std::time::Instant;

use radlake_kernels::vectors::{Metric, Query, TopK, VectorError};

type Failure = Box<dyn std::error::Error + Send + Sync>;

fn main() -> Result<(), Failure> {
    let (mut rows, mut dims, mut k, mut repeat) = (1_000_000, 107, 20, 9);
    for argument in std::env::args().skip(1) {
        let (name, value) = argument
            .split_once('=')
            .ok_or("arguments are name=value: rows, dims, k, repeat")?;
        let value: usize = value.parse()?;
        match name {
            "rows" => rows = value,
            "dims" => dims = value.max(1),
            "k" => k = value,
            "repeat" => repeat = value.max(1),
            _ => return Err(format!("no argument is called {name}").into()),
        }
    }
    let mut state = 2026_u64;
    let mut random = || {
        state = state
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        (state >> 40) as f32 / (1 << 23) as f32 - 1.0
    };
    let vectors: Vec<f32> = (0..rows * dims).map(|_| random()).collect();
    let query: Vec<f32> = (0..dims).map(|_| random()).collect();
    println!("{rows} vectors of {dims}, the nearest {k}, median of {repeat}");

    for threads in [1, 2] {
        let mut plain = Vec::new();
        let mut seconds: [Vec<f64>; 4] = Default::default();
        for _ in 0..repeat {
            plain.push(timed(|| Ok(sum_of_all(&vectors, threads)))?);
            for (metric, seconds) in Metric::ALL.into_iter().zip(&mut seconds) {
                seconds.push(timed(|| nearest(&query, &vectors, k, metric, threads))?);
            }
        }
        let plain = median(plain);
        let speed = vectors.len() as f64 * 4e-9 / plain;
        println!("threads={threads} plain {:.1} ms, {speed:.1} GB/s", plain * 1e3);
        for (metric, seconds) in Metric::ALL.into_iter().zip(seconds) {
            let median = median(seconds);
            let operator = metric.operator();
            println!(
                "threads={threads} {operator} {:.1} ms, ratio {:.2}",
                median * 1e3,
                median / plain
            );
        }
    }
    Ok(())
}

/// Seconds of one pass.
fn timed<T>(pass: impl FnOnce() -> Result<T, Failure>) -> Result<f64, Failure> {
    let start = Instant::now();
    black_box(pass()?);
    Ok(start.elapsed().as_secs_f64())
}

fn median(mut seconds: Vec<f64>) -> f64 {
    seconds.sort_by(f64::total_cmp);
    seconds[seconds.len() / 2]
}

fn sum_of_all(vectors: &[f32], threads: usize) -> f32 {
    let sum = |part: &[f32]| {
        let mut lanes = [0.0f32; 32];
        let (chunks, rest) = part.as_chunks::<32>();
        for chunk in chunks {
            lanes.iter_mut().zip(chunk).for_each(|(sum, value)| *sum += value);
        }
        lanes.iter().sum::<f32>() + rest.iter().sum::<f32>()
    };
    std::thread::scope(|scope| {
        let parts = vectors.chunks(vectors.len().div_ceil(threads).max(1));
        let running: Vec<_> = parts.map(|part| scope.spawn(move || sum(part))).collect();
        running.into_iter().filter_map(|thread| thread.join().ok()).sum()
    })
}

fn nearest(
    query: &[f32],
    vectors: &[f32],
    k: usize,
    metric: Metric,
    threads: usize,
) -> Result<usize, Failure> {
    let dims = query.len();
    let rows = (vectors.len() / dims).div_ceil(threads).max(1);
    let query = Query::new(query, metric)?;
    let mut found = TopK::new(k);
    std::thread::scope(|scope| -> Result<(), Failure> {
        let mut running = Vec::new();
        for (part, vectors) in vectors.chunks(rows * dims).enumerate() {
            let query = &query;
            running.push(scope.spawn(move || -> Result<TopK, VectorError> {
                let mut found = TopK::new(k);
                query.scan(vectors, part * rows, None, &mut found)?;
                Ok(found)
            }));
        }
        for thread in running {
            found.merge(thread.join().map_err(|_| "a thread failed")??);
        }
        Ok(())
    })?;
    Ok(found.into_sorted().len())
}
