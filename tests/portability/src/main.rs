//! Writes `docs/portability.md` anew.

fn main() -> Result<(), Box<dyn std::error::Error>> {
    std::fs::write(skyport_portability::path(), skyport_portability::page()?)?;
    Ok(())
}
