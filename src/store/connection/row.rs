//! Rows of statements without names, as diesel reads them.

use std::{num::NonZeroU32, ops::Range};

use diesel::{
    pg::{Pg, PgValue},
    row::{Field, PartialRow, Row, RowIndex, RowSealed},
};
use tokio_postgres::types::{FromSql, Type};

pub(super) struct UnnamedRow(pub(super) tokio_postgres::Row);

impl RowSealed for UnnamedRow {}

impl<'a> Row<'a, Pg> for UnnamedRow {
    type Field<'f>
        = UnnamedField<'f>
    where
        'a: 'f,
        Self: 'f;
    type InnerPartialRow = Self;

    fn field_count(&self) -> usize {
        self.0.len()
    }

    fn get<'f, I>(&'f self, index: I) -> Option<UnnamedField<'f>>
    where
        'a: 'f,
        Self: RowIndex<I>,
    {
        let index = self.idx(index)?;
        let column = self.0.columns().get(index)?;
        let value: Option<Raw<'_>> = self.0.try_get(index).ok()?;
        let kind = NonZeroU32::new(column.type_().oid())?;
        Some(UnnamedField { name: column.name(), value: value.map(|Raw(bytes)| bytes), kind })
    }

    fn partial_row(&self, range: Range<usize>) -> PartialRow<'_, Self> {
        PartialRow::new(self, range)
    }
}

impl RowIndex<usize> for UnnamedRow {
    fn idx(&self, index: usize) -> Option<usize> {
        (index < self.0.len()).then_some(index)
    }
}

impl RowIndex<&str> for UnnamedRow {
    fn idx(&self, name: &str) -> Option<usize> {
        self.0.columns().iter().position(|column| column.name() == name)
    }
}

pub(super) struct UnnamedField<'f> {
    name: &'f str,
    value: Option<&'f [u8]>,
    kind: NonZeroU32,
}

impl Field<'_, Pg> for UnnamedField<'_> {
    fn field_name(&self) -> Option<&str> {
        Some(self.name)
    }

    fn value(&self) -> Option<PgValue<'_>> {
        self.value.map(|bytes| PgValue::new(bytes, &self.kind))
    }
}

/// A value as the server sent it.
struct Raw<'a>(&'a [u8]);

impl<'a> FromSql<'a> for Raw<'a> {
    fn from_sql(_: &Type, bytes: &'a [u8]) -> Result<Self, Box<dyn std::error::Error + Sync + Send>> {
        Ok(Self(bytes))
    }

    fn accepts(_: &Type) -> bool {
        true
    }
}
