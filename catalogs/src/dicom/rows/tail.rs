//! The builders of the columns beside the typed ones.

use std::sync::Arc;

use arrow::array::{ArrayRef, Float64Builder, Int32Builder, Int64Builder, ListBuilder, StringBuilder};

use super::{Origin, pass::Pass};
use crate::dicom::Header;

/// The bookkeeping columns.
#[derive(Debug)]
pub(super) struct Tail {
    private_diffusion_b_value: Float64Builder,
    private_diffusion_gradient_orientation: ListBuilder<Float64Builder>,
    transfer_syntax_uid: StringBuilder,
    file_size: Int64Builder,
    pixel_data_offset: Int64Builder,
    warnings: Int32Builder,
    header_hash: StringBuilder,
    provider: StringBuilder,
    source_uri: StringBuilder,
    ingested_epoch: Int64Builder,
    dataset: StringBuilder,
}

impl Tail {
    pub(super) fn new(n: usize) -> Self {
        Self {
            private_diffusion_b_value: Float64Builder::with_capacity(n),
            private_diffusion_gradient_orientation: ListBuilder::with_capacity(Float64Builder::new(), n),
            transfer_syntax_uid: StringBuilder::with_capacity(n, 0),
            file_size: Int64Builder::with_capacity(n),
            pixel_data_offset: Int64Builder::with_capacity(n),
            warnings: Int32Builder::with_capacity(n),
            header_hash: StringBuilder::with_capacity(n, 0),
            provider: StringBuilder::with_capacity(n, 0),
            source_uri: StringBuilder::with_capacity(n, 0),
            ingested_epoch: Int64Builder::with_capacity(n),
            dataset: StringBuilder::with_capacity(n, 0),
        }
    }

    /// Adds the bookkeeping of a row; gives the bytes it took.
    pub(super) fn append(&mut self, header: &Header<'_>, origin: &Origin<'_>, pass: &mut Pass) -> usize {
        let diffusion = pass.diffusion();
        self.private_diffusion_b_value.append_option(diffusion.b_value);
        self.private_diffusion_gradient_orientation
            .append_option(diffusion.direction.map(|direction| direction.map(Some)));
        let signed = |n: u64| i64::try_from(n).unwrap_or(i64::MAX);
        let syntax = header.transfer_syntax_uid();
        self.transfer_syntax_uid
            .append_option(Some(syntax).filter(|uid| !uid.is_empty()));
        self.file_size.append_value(signed(origin.file_size));
        self.pixel_data_offset
            .append_option(header.pixel_data_offset().map(signed));
        self.header_hash.append_value(origin.header_hash.to_hex());
        self.provider.append_value(origin.provider);
        self.source_uri.append_value(origin.source_uri);
        self.ingested_epoch.append_value(0);
        // Arrow counts the text of a column in 31 bits; a caller who heeds `bytes()` never comes near.
        let json = pass.json().len();
        if self.dataset.values_slice().len() + json <= i32::MAX as usize {
            self.dataset.append_value(pass.json());
        } else {
            self.dataset.append_null();
            pass.warnings().add(0, "dataset_left_out");
        }
        self.warnings
            .append_value(i32::try_from(pass.warnings().count()).unwrap_or(i32::MAX));
        88 + syntax.len() + origin.provider.len() + origin.source_uri.len() + json
    }

    /// In the order of the schema.
    pub(super) fn finish(&mut self) -> [ArrayRef; 11] {
        [
            Arc::new(self.private_diffusion_b_value.finish()),
            Arc::new(self.private_diffusion_gradient_orientation.finish()),
            Arc::new(self.transfer_syntax_uid.finish()),
            Arc::new(self.file_size.finish()),
            Arc::new(self.pixel_data_offset.finish()),
            Arc::new(self.warnings.finish()),
            Arc::new(self.header_hash.finish()),
            Arc::new(self.provider.finish()),
            Arc::new(self.source_uri.finish()),
            Arc::new(self.ingested_epoch.finish()),
            Arc::new(self.dataset.finish()),
        ]
    }
}
