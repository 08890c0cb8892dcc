//! Mails as they are sent, and the codes that a person would take out of them.

#![allow(clippy::unwrap_used)] // a test may stop at the first surprise

use super::codes;
use crate::mime::Reading;

/// A mail: its subject, its text, and its likely codes in order.
type Mail = (&'static str, &'static str, &'static [&'static str]);

fn likely(subject: &str, text: &str) -> Vec<String> {
    let message =
        format!("Subject: {subject}\nContent-Type: text/plain; charset=utf-8\n\n{text}\n");
    let codes = codes(&Reading::of(message.as_bytes()));
    codes.into_iter().filter(|code| code.likely).map(|code| code.code).collect()
}

fn check(mails: &[Mail]) {
    let wrong = mails.iter().filter_map(|(subject, text, expected)| {
        let found = likely(subject, text);
        (found != *expected)
            .then(|| format!("{subject:?} {text:?}\n  found {found:?}, expected {expected:?}"))
    });
    let wrong: Vec<_> = wrong.collect();
    assert!(wrong.is_empty(), "{} of {}:\n{}", wrong.len(), mails.len(), wrong.join("\n"));
}

#[test]
fn english_mails() {
    check(&[
        ("Your code", "Your verification code is 482913. It expires in 10 minutes.", &["482913"]),
        ("482913 is your Acme code", "Enter it to sign in.\n\n© 2026 Acme Inc.", &["482913"]),
        ("Sign in", "Your one-time code:\n\n    739 204\n\nDo not share it.", &["739204"]),
        ("Sign in", "Enter this PIN: 0042", &["0042"]),
        ("Google Verification", "G-482913 is your Google verification code.", &["G-482913"]),
        ("Your device", "Enter the code below on your device:\n\nWDJB-MJHT\n", &["WDJB-MJHT"]),
        ("Your device", "Your activation code is AB12-CD34-EF56.", &["AB12-CD34-EF56"]),
        ("Steam Guard", "Here is the Steam Guard code you need:\n\nR7K3B\n", &["R7K3B"]),
        (
            "Slack confirmation code: XKC-4LP",
            "Your confirmation code is below.\n\nXKC-4LP",
            &["XKC-4LP"],
        ),
        ("Verify", "Use 5713 to verify your account. Code valid for 1440 minutes.", &["5713"]),
        ("Login", "OTP for your transaction of USD 1500 is 904417", &["904417"]),
        ("Security", "<#> Your passcode: 88114422", &["88114422"]),
        (
            "Verify",
            "Hi,\n\nplease confirm your address with this code\n\n--------\n 6 1 9 3 0 2\n--------",
            &["619302"],
        ),
        ("Password", "Your temporary password is a8f3k2m9", &["a8f3k2m9"]),
        ("Code", "Your code is 2026", &["2026"]),
        ("Order 88213377", "Pickup code: 4711. Order number 88213377, total $1999.", &["4711"]),
        ("Verify", "Your verification code for order 12345678 is 482913.", &["482913"]),
        ("Verify", "Verification code for account 12345678: 482913", &["482913"]),
        ("2FA", "123-456 is your 2FA code", &["123456"]),
        (
            "Verify",
            "Code: 338201\nOr click https://x.example/verify?code=999999&id=88888888\nAcme Code Inc., 1600 Main Street, San Francisco, CA 94103\nTel +1 415 555 1234",
            &["338201"],
        ),
        ("Token", "Your API confirmation token is **K7Q9ZP**.", &["K7Q9ZP"]),
        ("Sale", "Use code SAVE20 at checkout for 20% off.", &["SAVE20"]),
    ]);
}

#[test]
fn mails_in_other_languages() {
    check(&[
        (
            "Ihr Code",
            "Ihr Bestätigungscode lautet: 482913\n\nAcme GmbH, Hauptstr. 5, 10115 Berlin\nTel. 030 1234567",
            &["482913"],
        ),
        ("Anmeldung", "Geben Sie zur Anmeldung folgende TAN ein:\n\n773 120\n", &["773120"]),
        (
            "Einmalpasswort",
            "Dein Einmalpasswort ist 5512. Es gilt bis 31.07.2026 um 12:30 Uhr.",
            &["5512"],
        ),
        ("38291 ist dein Sicherheitscode", "Kundennummer 10293847", &["38291"]),
        ("Code de vérification", "Votre code de vérification est : 204 817", &["204817"]),
        (
            "Connexion",
            "Saisissez le code suivant :\n\n901 223\n\nAcme, 12 rue de Paris, 75001 Paris\nRCS 552100554",
            &["901223"],
        ),
        ("Código", "Tu código de verificación es 665 201. Válido 15 minutos.", &["665201"]),
        ("Código de acesso", "O seu código é 7719. Não partilhe.", &["7719"]),
        ("Codice", "Il tuo codice di verifica è 118822", &["118822"]),
        ("Verificatiecode", "Je verificatiecode is 550931", &["550931"]),
        ("Kod", "Twój kod weryfikacyjny to: 620114", &["620114"]),
        ("Kod", "Din engångskod är 830016", &["830016"]),
        ("Doğrulama", "Doğrulama kodunuz: 449120", &["449120"]),
        ("Код", "Ваш код подтверждения: 771203. Никому его не сообщайте.", &["771203"]),
        ("验证码", "您的验证码是123456，请在10分钟内使用。", &["123456"]),
        ("確認コード", "確認コード：８２１９３０\n有効期限は30分です。", &["821930"]),
        ("인증번호", "인증번호는 551204입니다.", &["551204"]),
        ("Mã xác minh", "Mã xác minh của bạn là 290114", &["290114"]),
        ("رمز التحقق", "رمز التحقق الخاص بك هو ٤٨٢٩١٣", &["482913"]),
        ("OTP", "आपका ओटीपी 604417 है", &["604417"]),
        ("Ověření", "Váš ověřovací kód je 912004", &["912004"]),
        ("Κωδικός", "Ο κωδικός σας είναι 334455", &["334455"]),
    ]);
}

#[test]
fn mails_without_a_code() {
    check(&[
        ("Invoice 2026-0731", "Invoice no. 20260731, amount due 1,234.56 EUR by 31.07.2026.", &[]),
        ("Newsletter 2026", "© 2026 Acme. 12000 users, 5000 stars, up 4000 % since 1999.", &[]),
        (
            "Call us",
            "Phone +49 30 123456, fax (030) 1234567, mobile 0151-1234567, tel. 555-123-4567",
            &[],
        ),
        (
            "Address",
            "Hauptstraße 5, 10115 Berlin\n75001 Paris\nBoston, MA 02101\nPostcode 10115",
            &[],
        ),
        ("Order #48291", "Your order #48291 has shipped. Tracking number 99887766.", &[]),
        ("Reset", "Reset your password: https://x.example/reset/482913?token=123456", &[]),
        ("Payment", "Your card ending in 4242 was charged $2500 on 2026-07-31 at 12:30.", &[]),
        ("Season", "The 2025-2026 season. UTF-8, ISO-8859, COVID-19, HTML5 and RFC 5321.", &[]),
        ("Server", "Error code 5003, status code 4041, exit code 1371. Zip code 94103.", &[]),
        ("Hello", "Shall we meet on 20260731 at 1400 hours? It takes 1440 minutes.", &[]),
        ("Rechnung", "Rechnungsnummer: 448120\nKundennummer: 1029384\nBetrag: 1499 €", &[]),
        (
            "Confirm your email",
            "Click the button to confirm your address.\n\nAcme, Suite 4500, 2100 Market Street",
            &[],
        ),
        ("Hi", "Write to 123456@qq.example or 998877@mail.example with your code.", &[]),
    ]);
}

#[test]
fn the_likeliest_comes_first_and_the_rest_is_called_unlikely() {
    let message = "Subject: Sign in\n\nSession 771204 was opened.\nYour code is 338 201.\n";
    let codes = codes(&Reading::of(message.as_bytes()));
    assert_eq!((&*codes[0].code, &*codes[0].written), ("338201", "338 201"));
    assert_eq!(codes[0].context, "Your code is 338 201.");
    let json = serde_json::to_value(&codes[0]).unwrap();
    assert_eq!((&json["code"], &json["likely"]), (&"338201".into(), &true.into()));

    let message = "Subject: Statistics\n\nWe counted 771204 so far.\n";
    let codes = super::codes(&Reading::of(message.as_bytes()));
    assert_eq!((&*codes[0].code, codes[0].likely), ("771204", false));
}

#[test]
fn a_code_in_html_alone_is_found_once() {
    let message = "Subject: Sign in\nContent-Type: text/html\n\n<style>p{color:#123456}</style><table><tr><td>Your code is</td></tr><tr><td><b>48</b><b>29</b>&zwnj;13</td></tr></table><p>4829&nbsp;1300</p>";
    let codes = codes(&Reading::of(message.as_bytes()));
    let found: Vec<_> = codes.iter().map(|code| &*code.code).collect();
    assert_eq!(found, ["482913", "48291300"]);
    assert_eq!(codes[0].context, "Your code is 482913");
}
