import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import jakarta.mail.MessagingException;
import java.net.URI;
import java.net.URLEncoder;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpRequest.BodyPublishers;
import java.net.http.HttpResponse.BodyHandlers;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Set;
import java.util.regex.Pattern;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/** Run by {@code doorpost run -- …}: the mail really travels, and is read back over doorpost's API. */
class MailTest {
    private static final HttpClient CLIENT = HttpClient.newHttpClient();
    private final Mail mail = new Mail(Mail.fromEnvironment());

    @AfterEach
    void behaveAgain() throws Exception {
        ask("DELETE", "/api/faults", "");
    }

    @Test
    void aPasswordResetHasALinkAndACode() throws Exception {
        mail.passwordReset("ann@customer.example");

        var id = first("id", waitFor("rcpt:ann@customer.example subject:reset"));
        var link = first("url", ask("GET", "/api/messages/" + id + "/links", ""));
        var code = first("code", ask("GET", "/api/messages/" + id + "/codes", ""));
        assertTrue(link.matches("https://shop\\.example/reset\\?token=[0-9a-f-]{36}"), link);
        assertTrue(code.matches("\\d{6}"), code);
    }

    @Test
    void whatWasPutOffIsTriedAgain() throws Exception {
        ask("PUT", "/api/faults", "{\"faults\": [\"busy=1\"]}"); // 450 for the first time, then 250
        mail.passwordReset("ben@customer.example");

        waitFor("rcpt:ben@customer.example");
        assertEquals("1", first("total", ask("GET", "/api/sessions?query=" + encoded("code:450"), "")));
    }

    @Test
    void aRecipientThatIsRefusedDoesNotCostTheOthersTheirMail() throws Exception {
        // Under .test some addresses are refused by their name: `doorpost faults` lists them.
        var addresses = List.of("cleo@customer.example", "hard-bounce@doorpost.test", "dan@customer.example");
        var refused = mail.newsletter(addresses, "Everything is cheaper.\n");

        assertEquals(Set.of("hard-bounce@doorpost.test"), refused.keySet());
        assertTrue(refused.get("hard-bounce@doorpost.test").contains("5.1.1"), refused.toString());
        waitFor("rcpt:cleo@customer.example rcpt:dan@customer.example subject:news");
    }

    @Test
    void aWrongPortIsNamed() throws Exception {
        // mail.smtp.ssl.enable is for 465. On 587 the connection begins in the clear: mail.smtp.starttls.enable.
        var settings = Mail.fromEnvironment();
        settings.put("mail.smtp.host", "localhost");
        settings.put("mail.smtp.port", System.getenv("DOORPOST_SUBMISSION_PORT"));
        settings.put("mail.smtp.ssl.enable", "true");
        assertThrows(MessagingException.class, () -> new Mail(settings).passwordReset("eve@customer.example"));

        var change = first("change", ask("GET", "/api/findings?code=tls-to-starttls-port", ""));
        assertFalse(change.isBlank());
    }

    /** The newest message that matches, as soon as it is there, as JSON. */
    private static String waitFor(String query) throws Exception {
        return ask("GET", "/api/messages/wait?timeout=10s&query=" + encoded(query), "");
    }

    private static String ask(String method, String path, String body) throws Exception {
        var request = HttpRequest.newBuilder(URI.create(System.getenv("DOORPOST_URL") + path))
            .header("Content-Type", "application/json")
            .method(method, body.isEmpty() ? BodyPublishers.noBody() : BodyPublishers.ofString(body))
            .build();
        var answer = CLIENT.send(request, BodyHandlers.ofString());
        assertEquals(200, answer.statusCode(), answer.body());
        return answer.body();
    }

    /** The first value of that name. (A project that has a JSON library uses that.) */
    private static String first(String name, String json) {
        var found = Pattern.compile('"' + name + "\":\"?([^\",}]*)").matcher(json);
        assertTrue(found.find(), () -> "no " + name + " in " + json);
        return found.group(1);
    }

    private static String encoded(String text) {
        return URLEncoder.encode(text, StandardCharsets.UTF_8);
    }
}
