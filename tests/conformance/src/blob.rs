//! Cases of the blob port.

use crate::case::cases;

cases![];
