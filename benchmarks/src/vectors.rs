//! How long do the nearest of many vectors take in SQL, beside one plain pass over the same values in memory?

use std::hint::black_box;
use std::sync::Arc;
use std::time::{Duration, Instant};

use arrow::array::{
    ArrayRef, AsArray, FixedSizeListArray, Float32Array, Int32Array, Int64Array, RecordBatch,
};
use arrow::datatypes::{DataType, Field, Int32Type, Schema};
use futures::StreamExt;
use radlake::vectors::print;
use radlake::{Identity, Incoming, LINE, Lakehouse, Response, SUPERUSER, Session};

use crate::{Options, Result, table};

/// Rows of a batch on its way in.
const BATCH: usize = 8192;

/// `--rows N` (1,000,000), `--dimensions N` (107), `--nearest N` (20), `--runs N` (5).
pub(crate) fn run(options: &Options) -> Result<()> {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    runtime.block_on(measure(options))
}

async fn measure(options: &Options) -> Result<()> {
    let (rows, dimensions) = (
        options.number("rows", 1_000_000)?,
        options.number("dimensions", 107)?,
    );
    let (nearest, runs) = (options.number("nearest", 20)?, options.number("runs", 5)?);
    let mut state = 2026_u64;
    let mut random = || {
        state = state
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        (state >> 40) as f32 / (1 << 23) as f32 - 1.0
    };
    let vectors: Vec<f32> = (0..rows * dimensions).map(|_| random()).collect();
    let query: Vec<f32> = (0..dimensions).map(|_| random()).collect();
    let folder = tempfile::tempdir()?;
    let url = folder.path().join("lake").display().to_string();
    let lakehouse = Lakehouse::init(&url, SUPERUSER, "benchmark").await?;
    let session = lakehouse.session(Identity::role(SUPERUSER)).await?;
    ask(
        &session,
        &format!("CREATE TABLE t (id int, v vector({dimensions}))"),
    )
    .await?;
    load(&session, &vectors, dimensions).await?;

    let text = print(&query);
    let ordered = |operator: &str| format!("SELECT id FROM t ORDER BY v {operator} '{text}' LIMIT {nearest}");
    let mut questions = vec![(
        "every vector read, in SQL".to_owned(),
        "SELECT sum(vector_dims(v)) FROM t".to_owned(),
    )];
    for operator in ["<->", "<#>", "<=>", "<+>"] {
        questions.push((
            format!("ORDER BY v {operator} … LIMIT {nearest}"),
            ordered(operator),
        ));
    }
    // Turn by turn, so that what slows the machine slows all.
    let mut best = vec![Duration::MAX; questions.len() + 1];
    let mut found = Vec::new();
    for _ in 0..=runs {
        let began = Instant::now();
        let _ = black_box(sum_of_all(&vectors));
        best[0] = best[0].min(began.elapsed());
        for (at, (_, text)) in questions.iter().enumerate() {
            let began = Instant::now();
            let answer = ask(&session, text).await?;
            best[at + 1] = best[at + 1].min(began.elapsed());
            if at == 1 {
                found = answer;
            }
        }
    }
    if found != by_hand(&vectors, &query, nearest) {
        return Err("the nearest are not those of a sort of all distances".into());
    }
    let names =
        std::iter::once("one plain pass in memory").chain(questions.iter().map(|(name, _)| name.as_str()));
    let lines: Vec<Vec<String>> = names
        .zip(&best)
        .map(|(name, time)| {
            let ratio = time.as_secs_f64() / best[0].as_secs_f64();
            vec![
                name.to_owned(),
                format!("{:.1}", time.as_secs_f64() * 1e3),
                format!("{ratio:.2}"),
            ]
        })
        .collect();
    table::print(
        &format!("{rows} vectors of {dimensions}, the nearest {nearest}, best of {runs}"),
        &["pass", "ms", "ratio"],
        &lines,
    );
    Ok(())
}

async fn load(session: &Session, vectors: &[f32], dimensions: usize) -> Result<()> {
    let copy = radlake::parse("COPY t FROM STDIN")?;
    let [copy] = copy.as_slice() else {
        return Err("COPY is not one statement".into());
    };
    let width = i32::try_from(dimensions)?;
    let item = Arc::new(Field::new_list_field(DataType::Float32, true));
    let schema = Arc::new(Schema::new(vec![
        Field::new(LINE, DataType::Int64, false),
        Field::new("id", DataType::Int32, true),
        Field::new("v", DataType::FixedSizeList(Arc::clone(&item), width), true),
    ]));
    let batches: Vec<RecordBatch> = vectors
        .chunks(BATCH * dimensions)
        .enumerate()
        .map(|(batch, values)| {
            let first = batch * BATCH;
            let ids = first..first + values.len() / dimensions;
            let lines: Int64Array = ids.clone().map(|id| id as i64).collect();
            let ids: Int32Array = ids.map(|id| id as i32).collect();
            let values = Arc::new(Float32Array::from(values.to_vec()));
            let list = FixedSizeListArray::try_new(Arc::clone(&item), width, values, None)?;
            let columns: Vec<ArrayRef> = vec![Arc::new(lines), Arc::new(ids), Arc::new(list)];
            RecordBatch::try_new(Arc::clone(&schema), columns)
        })
        .collect::<std::result::Result<_, _>>()?;
    let rows = futures::stream::iter(batches.into_iter().map(Ok));
    let _ = session.copy_in(copy, Incoming::new(schema, rows, None)).await?;
    Ok(())
}

/// Row numbers that a statement answers.
async fn ask(session: &Session, text: &str) -> Result<Vec<i32>> {
    let mut found = Vec::new();
    if let Response::Rows { mut stream, .. } = session.sql(text).await? {
        while let Some(batch) = stream.next().await {
            if let Some(ids) = batch?.column(0).as_primitive_opt::<Int32Type>() {
                found.extend(ids.values());
            }
        }
    }
    Ok(found)
}

/// On all cores.
fn sum_of_all(vectors: &[f32]) -> f32 {
    let threads = std::thread::available_parallelism().map_or(1, Into::into);
    let part = vectors.len().div_ceil(threads).max(1);
    std::thread::scope(|scope| {
        let parts: Vec<_> = vectors
            .chunks(part)
            .map(|part| {
                scope.spawn(move || {
                    let mut lanes = [0.0_f32; 16];
                    let (chunks, _) = part.as_chunks::<16>();
                    for chunk in chunks {
                        for (lane, value) in lanes.iter_mut().zip(chunk) {
                            *lane += value;
                        }
                    }
                    lanes.iter().sum::<f32>()
                })
            })
            .collect();
        parts.into_iter().filter_map(|part| part.join().ok()).sum()
    })
}

fn by_hand(vectors: &[f32], query: &[f32], nearest: usize) -> Vec<i32> {
    let square = |row: &[f32]| -> f64 {
        let terms = row.iter().zip(query);
        terms.map(|(a, b)| (f64::from(*a) - f64::from(*b)).powi(2)).sum()
    };
    let mut all: Vec<(f64, i32)> = vectors.chunks(query.len()).map(square).zip(0..).collect();
    all.sort_by(|a, b| a.0.total_cmp(&b.0));
    all.into_iter().take(nearest).map(|(_, id)| id).collect()
}
