//! Writes the inputs that a target begins with into a folder: `seeds TARGET FOLDER`.

use std::path::Path;

fn main() -> std::io::Result<()> {
    let mut args = std::env::args().skip(1);
    let (Some(target), Some(folder)) = (args.next(), args.next()) else {
        panic!("usage: seeds TARGET FOLDER");
    };
    for (number, seed) in ltms_fuzz::seeds::of(&target).iter().enumerate() {
        std::fs::write(Path::new(&folder).join(format!("seed-{number}")), seed)?;
    }
    Ok(())
}
