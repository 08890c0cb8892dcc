import jakarta.mail.Address;
import jakarta.mail.Message;
import jakarta.mail.MessagingException;
import jakarta.mail.SendFailedException;
import jakarta.mail.Session;
import jakarta.mail.Transport;
import jakarta.mail.internet.InternetAddress;
import jakarta.mail.internet.MimeMessage;
import com.sun.mail.smtp.SMTPAddressFailedException;
import java.security.SecureRandom;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Properties;
import java.util.UUID;

/** The mail that the shop sends. Where it goes stands in the environment, in production as in the tests. */
final class Mail {
    private static final int TRIES = 3;
    private static final InternetAddress FROM = address("shop@example.org");

    private final Properties settings;

    Mail(Properties settings) {
        this.settings = settings;
    }

    static Properties fromEnvironment() {
        var settings = new Properties();
        settings.put("mail.smtp.host", System.getenv("SMTP_HOST"));
        settings.put("mail.smtp.port", System.getenv("SMTP_PORT"));
        settings.put("mail.smtp.auth", String.valueOf(System.getenv("SMTP_USERNAME") != null));
        settings.put("mail.smtp.ssl.enable", System.getenv().getOrDefault("SMTP_SSL", "false"));
        settings.put("mail.smtp.starttls.enable", System.getenv().getOrDefault("SMTP_STARTTLS", "false"));
        settings.put("mail.smtp.starttls.required", System.getenv().getOrDefault("SMTP_STARTTLS", "false"));
        settings.put("mail.smtp.ssl.checkserveridentity", "true");
        // Without these a server that says nothing holds the thread for ever.
        settings.put("mail.smtp.connectiontimeout", "10000");
        settings.put("mail.smtp.timeout", "10000");
        // The others get their mail although one recipient is refused.
        settings.put("mail.smtp.sendpartial", "true");
        return settings;
    }

    void passwordReset(String to) throws MessagingException {
        var code = String.format("%06d", new SecureRandom().nextInt(1_000_000));
        var link = "https://shop.example/reset?token=" + UUID.randomUUID();
        var refused = send(letter("Reset your password", "Your code is " + code + ". Or follow this link:\n" + link + "\n"), List.of(to));
        if (!refused.isEmpty()) {
            throw new MessagingException(refused.get(to));
        }
    }

    /** Sends one message to all of them, and gives those that were refused, with the server's words. */
    Map<String, String> newsletter(List<String> addresses, String text) throws MessagingException {
        return send(letter("News", text), addresses);
    }

    private MimeMessage letter(String subject, String text) throws MessagingException {
        var message = new MimeMessage(Session.getInstance(settings));
        message.setFrom(FROM);
        message.setSubject(subject);
        message.setText(text);
        message.saveChanges();
        return message;
    }

    /** Tries again what the server put off (4xx), and nothing that it refused for good (5xx). */
    private Map<String, String> send(Message message, List<String> addresses) throws MessagingException {
        var refused = new LinkedHashMap<String, String>();
        var recipients = addresses.stream().map(Mail::address).toArray(Address[]::new);
        for (int left = TRIES - 1; recipients.length > 0; left--) {
            try {
                Transport.send(message, recipients, System.getenv("SMTP_USERNAME"), System.getenv("SMTP_PASSWORD"));
                return refused;
            } catch (SendFailedException error) {
                if (!(error.getNextException() instanceof MessagingException)) {
                    throw error; // it was not about recipients
                }
                recipients = sortOut(error, refused, left == 0);
                pause();
            }
        }
        return refused;
    }

    /** The recipients that were put off; those that were refused go into the map. */
    private static Address[] sortOut(SendFailedException error, Map<String, String> refused, boolean isLast) {
        var putOff = new java.util.ArrayList<Address>();
        for (Exception next = error; next instanceof MessagingException each; next = each.getNextException()) {
            if (each instanceof SMTPAddressFailedException failed) {
                if (failed.getReturnCode() < 500 && !isLast) {
                    putOff.add(failed.getAddress());
                } else {
                    refused.put(failed.getAddress().getAddress(), failed.getMessage());
                }
            }
        }
        return putOff.toArray(Address[]::new);
    }

    private static void pause() {
        try {
            Thread.sleep(100);
        } catch (InterruptedException stopped) {
            Thread.currentThread().interrupt();
        }
    }

    private static InternetAddress address(String text) {
        try {
            return new InternetAddress(text, true);
        } catch (MessagingException error) {
            throw new IllegalArgumentException(text, error);
        }
    }
}
