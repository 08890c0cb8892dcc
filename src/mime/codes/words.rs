//! The words that say what a number is, in the languages that test mails are written in.
//! All in lower case. Not a dictionary: what is missing makes a code less likely, not lost.

use std::collections::HashSet;
use std::sync::LazyLock;

/// Words for a code. By line: English and what many languages share; Spanish, Portuguese, Italian,
/// French, Romanian; Dutch and Nordic; German (beside compounds); Slavic, Hungarian, Turkish, Baltic;
/// Cyrillic and Greek; Arabic, Hebrew, Hindi, Vietnamese.
const CODE: &str = "
    code codes code's otp pin tan mtan 2fa mfa totp passcode password passphrase pincode token tokens
    código códigos codigo clave contraseña senha codice codici codi cod codul jeton
    wachtwoord kode koden kod engångskod engangskode koodi koodisi kóði
    kennwort passwort kennziffer
    kodu kodem kodunuz kodun kodunu şifre şifreniz kód kódu kódem kódja kódod hasło heslo kodas kods
    код кода кодом кодът пароль pin-код κωδικός κωδικό κωδικος
    رمز الرمز كود קוד הקוד कोड ओटीपी mã";

/// Compounds that end in one of these are words for a code: Bestätigungscode, verificatiecode.
const CODE_ENDINGS: &str = "
    code codes codice kode koden kod kód koodi passwort password kennwort -pin -tan -otp";

/// What ends so and is none.
const OTHER_COMPOUNDS: &str = "
    postcode zipcode zip-code barcode qr-code unicode encode decode opcode shortcode sourcecode
    quellcode vscode bytecode strichcode fehlercode statuscode areacode geocode leetcode";

/// In front of `code` these make it another thing: zip code, error code.
const OTHER_KINDS: &str = "
    zip postal post source error status country area dress exit qr bar dial tax sort swift vat open
    machine response http color colour";

/// Beginnings of words for what one does with a code.
const HINTS: &str = "
    verif vérif confirm bestätig bestaetig authent authoriz autoriz authoris login log-in signin sign-in
    anmeld einmal one-time onetime security sicherheit sécurité seguridad segurança sicurezza two-factor
    2-step activat aktivier freischalt identity potwierdz weryfik подтвержд ověř overen bekräft bekreft
    bekræft vahvist doğrula onay xác verifik zugang unlock entsperr";

/// Words for a code in languages that put no blanks between words, looked for anywhere.
const UNSPACED: &str = "
    验证码 驗證碼 校验码 动态码 确认码 認證碼 安全码 代码 密码 口令 コード 暗証番号 認証番号 確認番号
    パスワード 인증번호 코드 비밀번호 확인번호 รหัส";

/// Words for a number that is no code: English, German, then Romance and other languages.
const LABELS: &str = "
    order orders invoice receipt ticket case tracking shipment parcel customer account acct reference
    ref booking id member policy po item article sku model version build release issue bug chapter page
    room flight gate suite street box floor apt unit registered registration company vat iban bic zip
    ending ends card visa mastercard phone tel telephone mobile call fax sms whatsapp hotline copyright
    since port rfc iso stop text total amount balance request transaction msg message cve inv ord tck
    utf windows
    bestellung bestellnummer bestellnr auftrag auftragsnummer rechnung rechnungsnummer kundennummer
    kundennr kunde vorgang vorgangsnummer sendungsnummer sendung konto kontonummer vertragsnummer artikel
    telefon fon handy hrb hra ust ust-id steuernummer plz postfach karte endet endend zimmer seit betrag
    ticketnummer mitgliedsnummer
    commande facture client tél téléphone compte dossier colis siren siret rcs bp carte depuis pedido
    factura teléfono teléf cuenta cliente envío tarjeta fatura encomenda conta ordine fattura telefono
    conto spedizione zamówienie zamówienia faktura numer bestelling factuur klantnummer ordre
    beställning заказ заказа счёт счет телефон 订单 注文";

/// Between a label and its number.
const FILLERS: &str = "
    no no. nr nr. n° nº n. num number nummer numéro número numero is ist in with auf mit us the to at am
    под номер №";

/// Behind a number: it counts or measures something. Streets, too.
const UNITS: &str = "
    second seconds sec secs minute minutes min mins hour hours hrs day days week weeks month months year
    years sekunden minuten stunden tage tagen wochen jahre jahren uhr heures jours minutos horas días
    minuti ore giorni минут часов percent prozent kg g km m cm mm px kb mb gb tb kib mib gib bytes octets
    ms people users customers members items points punkte miles steps views likes followers times
    messages emails new unread employees mitarbeiter kunden nutzer artikel words files lines commits
    stars developers companies teams seats credits ave avenue st street road rd blvd boulevard drive lane
    way";

/// Money, before or behind a number.
const CURRENCIES: &str = "
    eur usd gbp chf jpy cny inr sek nok dkk pln czk huf try rub brl mxn cad aud nzd krw zar euro euros
    dollar dollars pounds kr kr. zł kč ft rs rs. руб руб. franken yen 元 円 원 tl";

struct Words {
    code: HashSet<&'static str>,
    code_endings: Vec<&'static str>,
    other_compounds: HashSet<&'static str>,
    other_kinds: HashSet<&'static str>,
    hints: Vec<&'static str>,
    unspaced: Vec<&'static str>,
    labels: HashSet<&'static str>,
    fillers: HashSet<&'static str>,
    units: HashSet<&'static str>,
    currencies: HashSet<&'static str>,
}

static WORDS: LazyLock<Words> = LazyLock::new(|| {
    let set = |words: &'static str| words.split_whitespace().collect();
    let list = |words: &'static str| words.split_whitespace().collect();
    Words {
        code: set(CODE),
        code_endings: list(CODE_ENDINGS),
        other_compounds: set(OTHER_COMPOUNDS),
        other_kinds: set(OTHER_KINDS),
        hints: list(HINTS),
        unspaced: list(UNSPACED),
        labels: set(LABELS),
        fillers: set(FILLERS),
        units: set(UNITS),
        currencies: set(CURRENCIES),
    }
});

/// What a word says about a number near it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Says {
    /// It is a code.
    Code,
    /// Something is being confirmed or entered.
    Hint,
    /// It is something else.
    Label,
    /// Nothing, but it may stand between a label and its number.
    Filler,
    /// Nothing.
    Nothing,
}

/// `before` is the word in front of it. Both in lower case, without punctuation.
pub(super) fn says(word: &str, before: Option<&str>) -> Says {
    let words = &*WORDS;
    let code =
        words.code.contains(word) || words.code_endings.iter().any(|ending| word.ends_with(ending));
    let other = words.other_compounds.contains(word)
        || (word.starts_with("code")
            && before.is_some_and(|before| words.other_kinds.contains(before)));
    if code || other {
        if other { Says::Label } else { Says::Code }
    } else if words.hints.iter().any(|hint| word.starts_with(hint)) {
        Says::Hint
    } else if words.fillers.contains(word) {
        Says::Filler
    } else if words.labels.contains(word) {
        Says::Label
    } else {
        Says::Nothing
    }
}

/// Whether the text has a word for a code in a language without blanks.
pub(super) fn unspaced(text: &str) -> bool {
    !text.is_ascii() && WORDS.unspaced.iter().any(|word| text.contains(word))
}

/// Whether a number in front of the word is an amount of something.
pub(super) fn measures(word: &str) -> bool {
    WORDS.units.contains(word) || is_money(word)
}

pub(super) fn is_money(word: &str) -> bool {
    WORDS.currencies.contains(word)
}

/// Prefixes of numbers with a hyphen that are no codes: `INV-20260`, `ISO-8859`.
pub(super) fn labels_prefix(prefix: &str) -> bool {
    WORDS.labels.contains(&*prefix.to_lowercase())
}
