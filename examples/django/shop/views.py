"""What a visitor can ask for."""

from django.contrib.auth.models import User
from django.http import HttpResponse
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_POST

from shop import mail


@csrf_exempt
@require_POST
def reset(request):
    """Sends a link and a code to whoever has forgotten a password; says the same where nobody has that address."""
    user = User.objects.filter(email=request.POST.get("email", "")).first()
    if user:
        mail.password_reset(user)
    return HttpResponse("If we know you, a message is on its way.", status=202)
