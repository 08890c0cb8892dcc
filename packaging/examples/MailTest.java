import static org.junit.jupiter.api.Assertions.assertTrue;

import java.net.URI;
import java.net.URLEncoder;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse.BodyHandlers;
import java.nio.charset.StandardCharsets;
import java.util.Properties;
import jakarta.mail.Message;
import jakarta.mail.Session;
import jakarta.mail.Transport;
import jakarta.mail.internet.InternetAddress;
import jakarta.mail.internet.MimeMessage;
import org.junit.jupiter.api.Test;
import org.testcontainers.containers.GenericContainer;
import org.testcontainers.containers.wait.strategy.Wait;
import org.testcontainers.junit.jupiter.Container;
import org.testcontainers.junit.jupiter.Testcontainers;

/**
 * Testcontainers in Java: doorpost in a container of its own, for the tests of a class. It wants
 * org.testcontainers:junit-jupiter, a jakarta.mail implementation, and the image: {@code docker build -t doorpost .}
 */
@Testcontainers
class MailTest {
    @Container
    static final GenericContainer<?> MAIL = new GenericContainer<>("doorpost")
        .withExposedPorts(25, 465, 587, 2525, 8025)
        .waitingFor(Wait.forHttp("/readyz").forPort(8025));

    @Test
    void mailGoesThroughAlternate() throws Exception {
        var settings = new Properties();
        settings.put("mail.smtp.host", MAIL.getHost());
        settings.put("mail.smtp.port", String.valueOf(MAIL.getMappedPort(2525)));
        settings.put("mail.smtp.auth", "true");

        var message = new MimeMessage(Session.getInstance(settings));
        message.setFrom(new InternetAddress("alice@example.org"));
        message.setRecipient(Message.RecipientType.TO, new InternetAddress("bob@example.net"));
        message.setSubject("welcome");
        message.setText("Hello\n");
        Transport.send(message, "alice", "secret");

        // The API answers to localhost and to the names in DOORPOST_WEB_HOST.
        var query = URLEncoder.encode("rcpt:bob@example.net subject:welcome", StandardCharsets.UTF_8);
        var api = "http://localhost:" + MAIL.getMappedPort(8025) + "/api/messages/wait?timeout=10s&query=" + query;
        var answer = HttpClient.newHttpClient().send(HttpRequest.newBuilder(URI.create(api)).build(), BodyHandlers.ofString());
        assertTrue(answer.statusCode() == 200 && answer.body().contains("\"door\":\"alternate\""), answer.body());
    }
}
