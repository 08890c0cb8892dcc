//! Two scenarios in one: the text is a scenario again, and does what both did.

use super::super::{Scenario, presets};

fn rule(name: &str, reply: &str) -> String {
    format!("[[rules]]\nname = {name:?}\nat = \"rcpt\"\ndo = {{ reply = {reply:?} }}\n")
}

fn read(text: &str) -> Scenario {
    Scenario::parse(text).unwrap()
}

#[test]
fn what_comes_out_can_be_put_in_again() {
    let mut all = Scenario::default();
    for preset in presets::PRESETS {
        all = all.and(&presets::scenario(preset.name).unwrap()).unwrap();
        all = all.and(&presets::scenario(&format!("{}@relay", preset.name)).unwrap()).unwrap();
    }
    let again = read(all.text());
    assert!(all.rules().count() >= 2 * presets::PRESETS.len());
    assert_eq!(all.rules().collect::<Vec<_>>(), again.rules().collect::<Vec<_>>());
    assert_eq!(all.text(), again.text());
}

#[test]
fn a_name_that_is_taken_gets_a_number() {
    let (one, two) = (presets::scenario("hang-up=rcpt"), presets::scenario("hang-up=data"));
    let both = one.unwrap().and(&two.unwrap()).unwrap();
    assert_eq!(both.rules().collect::<Vec<_>>(), ["hang-up", "hang-up-2"]);
    let three = both.and(&presets::scenario("hang-up=mail").unwrap()).unwrap();
    assert_eq!(three.rules().collect::<Vec<_>>(), ["hang-up", "hang-up-2", "hang-up-3"]);
    let long = "x".repeat(64);
    let both = read(&rule(&long, "450 a")).and(&read(&rule(&long, "450 b"))).unwrap();
    assert_eq!(both.rules().nth(1), Some(&*format!("{}-2", "x".repeat(62))));
}

#[test]
fn the_seed_of_either_is_kept_and_the_first_ones_wins() {
    let plain = || read(&rule("a", "450 a"));
    let seeded = |seed: u64| read(&format!("seed = {seed} # mine\n{}", rule("b", "450 b")));
    let second = plain().and(&seeded(7)).unwrap();
    assert!(second.text().starts_with("seed = 7\n"), "{}", second.text());
    let both = seeded(5).and(&plain()).unwrap().and(&seeded(7)).unwrap();
    assert!(both.text().starts_with("seed = 5"), "{}", both.text());
    assert_eq!(both.text().matches("seed =").count(), 1, "{}", both.text());
    assert_eq!(both.rules().collect::<Vec<_>>(), ["b", "a", "b-2"]);
}

#[test]
fn nothing_is_added_to_an_array_in_brackets() {
    let array = read("rules = [{ name = \"a\", at = \"rcpt\", do = { reply = \"450 a\" } }]");
    let error = array.and(&read(&rule("b", "450 b"))).unwrap_err().to_string();
    assert_eq!(
        error,
        "line 3: `rules`: nothing can be added to an array in brackets; write [[rules]] for each rule"
    );
}

#[test]
fn there_are_a_thousand_rules_at_most() {
    let many = |name: &str| {
        read(&(0..600).map(|n| rule(&format!("{name}{n}"), "450 x")).collect::<String>())
    };
    let error = many("a").and(&many("b")).unwrap_err().to_string();
    assert!(error.contains("1200 rules, and at most 1000 are taken"), "{error}");
}
