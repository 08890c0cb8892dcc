import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Properties;
import javax.mail.Authenticator;
import javax.mail.PasswordAuthentication;
import javax.mail.Session;
import javax.mail.Transport;
import javax.mail.internet.InternetAddress;
import javax.mail.internet.MimeMessage;

/** JavaMail: the CA comes from the trust store that {@code -Djavax.net.ssl.trustStore} names. */
public final class JavaMail {
    public static void main(String[] args) throws Exception {
        String host = args[0], port = args[1], mode = args[2], user = args[3], secret = args[4];
        String from = args[6], to = args[7], subject = args[8];
        String patience = Long.toString(1000 * Long.parseLong(System.getenv().getOrDefault("PATIENCE", "15")));

        Properties settings = new Properties();
        settings.put("mail.smtp.host", host);
        settings.put("mail.smtp.port", port);
        settings.put("mail.smtp.auth", Boolean.toString(!user.isEmpty()));
        settings.put("mail.smtp.starttls.enable", Boolean.toString(mode.equals("starttls")));
        settings.put("mail.smtp.starttls.required", Boolean.toString(mode.equals("starttls")));
        settings.put("mail.smtp.ssl.enable", Boolean.toString(mode.equals("tls")));
        settings.put("mail.smtp.ssl.checkserveridentity", "true");
        settings.put("mail.smtp.connectiontimeout", patience);
        settings.put("mail.smtp.timeout", patience);
        settings.put("mail.smtp.from", from);
        settings.put("mail.debug", "true");

        Session session = Session.getInstance(settings, new Authenticator() {
            @Override
            protected PasswordAuthentication getPasswordAuthentication() {
                return new PasswordAuthentication(user, secret);
            }
        });
        MimeMessage message = new MimeMessage(session);
        message.setFrom(new InternetAddress(from));
        message.setRecipient(MimeMessage.RecipientType.TO, new InternetAddress(to));
        message.setSubject(subject);
        message.setText(Files.readString(Path.of(System.getenv("BODY"))), "utf-8");
        Transport.send(message);
    }
}
