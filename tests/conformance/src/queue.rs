//! Cases of the queue port.

use crate::case::cases;

cases![];
