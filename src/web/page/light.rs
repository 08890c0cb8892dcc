//! The page's scripts and styles as they are sent: without comments and indentation, line for line.
//!
//! What explains the source to its readers would be a sixth of the page's weight. Only whole lines are left out,
//! and each leaves an empty one, so that a line number in a browser's console is one of the source. Nothing is
//! renamed or moved. A text that runs over several lines would lose its indentation, so the page has none
//! (`walk.mjs` uses what is sent).

/// A text without its comments of whole lines, and without indentation.
pub(super) fn light(text: &str) -> String {
    let mut sent = String::with_capacity(text.len());
    let mut in_comment = false;
    for line in text.lines() {
        let line = line.trim();
        let begins = !in_comment && line.starts_with("/*");
        // One that ends within its line and has something behind it is left alone.
        let ends = line.find("*/").map(|at| at + 2 == line.len());
        let is_comment = in_comment || line.starts_with("//") || (begins && ends != Some(false));
        in_comment = (in_comment || begins) && ends.is_none();
        if !is_comment {
            sent.push_str(line);
        }
        sent.push('\n');
    }
    sent
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn comments_of_whole_lines_and_indentation_are_left_out_and_lines_keep_their_numbers() {
        let text = "// @ts-check\n/**\n * @param {string} a\n */\nexport function f(a) {\n  /** Said. */\n  /* a */ g(\"/* no */\"); // stays\n  return a;\n}\n";
        let sent =
            "\n\n\n\nexport function f(a) {\n\n/* a */ g(\"/* no */\"); // stays\nreturn a;\n}\n";
        assert_eq!(light(text), sent);
    }
}
